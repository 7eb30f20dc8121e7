#!/bin/sh
# dkl verify --accuracy: equal bits pass, a lost digit does not, nor does a row that only the file
# or only the run has; and nothing is compared where inputs are others.
: "${B:?the build directory}"
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
count=0
verdict() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}
worst=$folder/worst
run() { # OPTION..., with the problems
    "$B/dkl" verify --loss kl,dkl --dtype f32,f64 --impl centred.scalar,textbook --batch 4 \
        --classes 3,10 --inputs normal:s=1,near:s=0.001 --checks enclosure "$@" >"$folder/said" 2>&1
}
# edit NAME STATUS TEXT AWK: the run against a file that awk has changed.
edit() {
    awk "$4 { print }" "$worst" >"$folder/edited"
    run --accuracy "$folder/edited"
    status=$?
    [ $status -eq "$2" ] && grep -q -e "$3" "$folder/said"
    verdict $? "$1"
}

run --accuracy-out "$worst"
verdict $? 'the file is written'
[ "$(grep -c '^[^#]' "$worst")" -eq 32 ] && [ "$(sort "$worst" | uniq -d | wc -l)" -eq 0 ]
verdict $? 'a row for each implementation, loss, type and output'
run --accuracy "$worst" --accuracy-out "$folder/again"
verdict $? 'the same run is as good'
cmp -s "$worst" "$folder/again"
verdict $? 'and gives the same file'
run --accuracy "$worst" --resume --out "$folder/records" &&
    run --accuracy "$worst" --resume --out "$folder/records" --accuracy-out "$folder/again" &&
    cmp -s "$worst" "$folder/again"
verdict $? 'so does a run that finds its verdicts in a file of records'
(
    DKL_DISABLE=fma
    export DKL_DISABLE
    run --accuracy "$worst"
)
verdict $? 'and one without fused multiply-adds in hardware'

# The smallest step that the file can show: the last of 17 digits.
edit 'a worst error that grew by its last digit fails' 1 '^worse  .* kl .*error, ulp' \
    '/^centred.scalar kl f32 kl/ { $8 *= 1 - 1e-15; $8 = sprintf("%.17g", $8) }'
edit 'so does a worst ratio' 1 '^worse .* ratio ' \
    '/^textbook kl f64 loss/ { $6 = sprintf("%.17g", $6 * (1 - 1e-15)) }'
edit 'and a mean ratio' 1 '^worse .* mean ratio ' \
    '/^textbook kl f64 loss/ { $7 = sprintf("%.17g", $7 * (1 - 1e-15)) }'
edit 'an error that became smaller is told, and passes' 0 '^better .*error, ulp' \
    '/^centred.scalar kl f32 kl/ { $8 *= 2 }'
edit 'a row that is not verified any more fails' 1 '^missing .*not verified' \
    '/^textbook kl f32 loss/ { print; $4 = "gone" }'
edit 'a row that the file does not have fails' 1 '^added .*not in the file' \
    '/^textbook kl f32 loss/ { next }'
edit 'fewer problems fail' 1 '^worse .*problems ' '/^textbook kl f32 loss/ { $5++ }'
edit 'any number is better than a NaN' 0 '^better ' \
    '/^textbook kl f32 loss/ { $6 = "nan" }'
edit 'no row at all is no pass' 1 '^added' '/^[^#]/ { next }'
edit 'with another libm nothing is compared, loudly' 0 'NOT DONE: --accuracy' \
    '/^# libm/ { $3 = "0123456789abcdef" } /^textbook/ { $8 = 0 }'
edit 'what is no row is refused' 3 'edited:5: no line of worst errors' 'NR == 5 { $0 = "x " $0 }'

"$B/dkl" verify --loss kl --dtype f32 --impl textbook --batch 4 --classes 3,10 \
    --inputs normal:s=1,near:s=0.001 --checks enclosure --accuracy "$worst" >"$folder/said" 2>&1
verdict $? 'rows that the options leave out are not missed'
run --accuracy "$folder/edited" --junit "$folder/v.xml"
awk '/^textbook/ { $8 = 0 } { print }' "$worst" >"$folder/edited"
run --accuracy "$folder/edited" --junit "$folder/v.xml"
grep -q 'name="accuracy"' "$folder/v.xml" && grep -q 'errors are not those' "$folder/v.xml"
verdict $? 'the JUnit document has it as a case'
echo "1..$count"
