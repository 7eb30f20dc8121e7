#!/bin/sh
# The README says what the tree holds: its table is the one that the recorded runs make, and the
# files that it points to exist.
: "${B:?the build directory}"
count=0
verdict() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
sed -n '/<!-- table/,/<!-- end of table/p' README.md | sed '1d;$d' >"$folder/said"
"$B/dkl" report --markdown bench/records/*.jsonl >"$folder/made"
[ -s "$folder/made" ] && cmp "$folder/said" "$folder/made" >&2
verdict $? 'the table is that of bench/records'

for document in README.md verify/README.md bench/records/README.md; do
    grep -o ']([^)#]*)' "$document" | sed 's/^](//; s/)$//' | grep -v '^http' >"$folder/links"
    status=0
    while read -r link; do
        [ -e "$(dirname "$document")/$link" ] || { echo "$document: $link" >&2 && status=1; }
    done <"$folder/links"
    verdict $status "$document: every link leads somewhere"
done
echo "1..$count"
