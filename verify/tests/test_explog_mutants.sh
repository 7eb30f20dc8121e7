#!/bin/sh
# The tests of the primitives must be able to say no: with each mistake of
# verify/primitives/mutants.list in a copy of kernels/, test_explog.c fails in the test that the list
# names, and without one it passes.
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
list=verify/primitives/mutants.list
count=0
verdict() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}
# judge KERNELS: test_explog of these kernels, its TAP in $folder/said
judge() {
    ${CC:-cc} -std=c11 -O2 -w -ffp-contract=off -iquote "$1" -iquote verify/primitives \
        verify/tests/test_explog.c verify/primitives/primitive.c -o "$folder/test" \
        $(pkg-config --cflags --libs cmocka mpfr gmp 2>/dev/null || echo -lcmocka -lmpfr -lgmp) \
        -lm || exit 1
    CMOCKA_MESSAGE_OUTPUT=tap "$folder/test" >"$folder/said" 2>&1
}

judge kernels
verdict $? 'without a mistake every test passes'
sed -n 's/^\([a-z][a-z0-9-]*\) |.* | \([a-z0-9_]*\)$/\1 \2/p' $list >"$folder/names"
while read -r name test; do
    verify/mutate $list "$name" "$folder" && ! judge "$folder/kernels" &&
        grep -q "^not ok [0-9]* - $test\$" "$folder/said"
    verdict $? "$name: $test fails"
done <"$folder/names"
[ "$(grep -c '^[a-z]' $list)" -eq "$(wc -l <"$folder/names")" ]
verdict $? 'every line of the list was tried'
echo "1..$count"
