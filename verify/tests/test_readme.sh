#!/bin/sh
# The documents say what the tree holds: their tables are the ones that the program makes, and the
# files that they point to exist.
: "${B:?the build directory}"
count=0
verdict() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

# A document, the name of a table in it, and the command that makes the table.
table() {
    document=$1 name=$2
    shift 2
    sed -n "/<!-- $name/,/<!-- end of $name/p" "$document" | sed '1d;$d' >"$folder/said"
    "$B/dkl" "$@" >"$folder/made"
    [ -s "$folder/made" ] && cmp "$folder/said" "$folder/made" >&2
    verdict $? "$document: the table '$name' is what dkl $1 makes (make tables)"
}
table README.md table report --markdown bench/records/*.jsonl
table bench/results.md timings report --results bench/records/timing.jsonl
table README.md implementations list --markdown
table reference/presets.md presets list --presets --markdown

for document in README.md verify/README.md bench/records/README.md bench/*.md reference/*.md; do
    grep -o ']([^)#]*)' "$document" | sed 's/^](//; s/)$//' | grep -v '^http' >"$folder/links"
    status=0
    while read -r link; do
        [ -e "$(dirname "$document")/$link" ] || { echo "$document: $link" >&2 && status=1; }
    done <"$folder/links"
    verdict $status "$document: every link leads somewhere"
done
echo "1..$count"
