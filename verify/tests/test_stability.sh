#!/bin/sh
# reference/stability.md is what its records make, and says what the README promises: KL of
# centred.scalar within 32 u of a value that is a normal number, no wrong sign, no wrong zero.
: "${B:?the build directory}"
count=0
verdict() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
records=bench/records/stability/f32.jsonl
"$B/dkl" report --stability "$records" >"$folder/made"
[ -s "$folder/made" ] && cmp reference/stability.md "$folder/made" >&2
verdict $? 'the document is that of its records'

# field NAME: the number (or "inf") of a field in each KL record of centred.scalar that has one.
field() {
    grep '"loss":"kl","impl":"centred.scalar".*"output":"kl"' "$records" |
        sed -n "s/.*\"$1\":\"*\([^,}\"]*\).*/\1/p" | grep -v null
}
field max_error_u | awk '!($1 + 0 == $1 && $1 <= 32) { print "max_error_u " $1; bad = 1 }
    END { exit bad || NR < 100 }' >&2
verdict $? 'KL of centred.scalar: at most 32 u'
for name in wrong_sign wrong_zero; do
    field "$name" | awk '$1 != 0 { bad = 1 } END { exit bad || NR < 100 }' >&2
    verdict $? "KL of centred.scalar: no $name"
done
field digits_rows | awk '{ rows += $1 } END { exit rows < 500 }'
verdict $? 'in hundreds of rows'

# The comparison says something: the frameworks' formula fails in the same records.
grep '"impl":"textbook".*"output":"kl"' "$records" | grep -qv '"wrong_sign":0,'
verdict $? 'textbook has wrong signs there'
echo "1..$count"
