#!/bin/sh
# bench/instructions fails for counts that are more than 2 % apart and for rows that only one side
# has, and compares nothing, loudly, where compiler, flags or processor are others. The counts are
# made here; make check-instructions counts.
: "${B:?the build directory}"
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
count=0
verdict() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}
cat >"$folder/file" <<'END'
# compiler: gcc 1
# flags: -O3
# machine: x86_64, fma
- one kl f64 8 100 normal:s=1 both 100000 125.000
- one kl f32 8 100 normal:s=1 both 50000 62.500
fma one kl f32 8 100 normal:s=1 both 60000 75.000
END
# expect NAME STATUS TEXT SED: of the comparison with counts that sed has changed.
expect() {
    sed "$4" "$folder/file" >"$folder/now"
    bench/instructions "$B" "$folder/file" "$folder/now" >"$folder/said" 2>&1
    status=$?
    [ $status -eq "$2" ] && grep -q -e "$3" "$folder/said"
    verdict $? "$1"
}
expect 'equal counts pass' 0 '^instructions: 3 counts.* 0 off' ''
expect '2 % more pass, and are shown' 0 '100000  *102000  *+2.00$' 's/100000/102000/'
expect '2 % fewer pass' 0 '100000  *98000  *-2.00$' 's/100000/98000/'
expect 'one more than 2 % fails' 1 '^more .*102001' 's/100000/102001/'
expect 'one fewer than 2 % fails' 1 '^fewer .*97999' 's/100000/97999/'
expect 'each variant is its own' 1 '^fewer  *fma ' 's/60000/50000/'
expect 'a row that is gone fails' 1 '^missing .*50000' '/ 50000 /d'
expect 'a row that is new fails' 1 '^added ' 's/^fma one/fma two/'
expect 'no counts at all fail' 3 'nothing was counted' '/^[^#]/d'
for what in compiler flags machine; do
    expect "$what: nothing is compared" 0 "^NOT DONE: instruction counts: $what" \
        "s/^# $what: /&other /; s/100000/1/"
done
STRICT=1
export STRICT
expect 'STRICT=1 makes that a failure' 3 '^NOT DONE' 's/^# flags: /&other /'
unset STRICT
(
    mkdir "$folder/bin"
    PATH=$folder/bin
    export PATH
    /bin/sh bench/instructions "$B" "$folder/file" >"$folder/said" 2>&1
) && grep -q '^NOT DONE: instruction counts: no valgrind' "$folder/said"
verdict $? 'no valgrind is said'

# What the committed file has is what would be counted here.
"$B/count" | sort >"$folder/names"
sed -n 's/^- \(.*\) [0-9]* [0-9.]*$/\1/p' bench/instructions.txt | sort | cmp -s - "$folder/names"
verdict $? 'bench/instructions.txt has every implementation, loss and type that runs here'
echo "1..$count"
