#!/bin/sh
# A run that is killed loses no finished record and is resumed to the records of a run that was not
# (verify/kill_trials); and the trials find out a program of which that is not true.
: "${B:?the build directory}"
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
count=0
verdict() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}

verify/kill_trials "$B/dkl" 4 >"$folder/said"
verdict $? 'kills at random moments of verify and bench'
sed 's/^/# /' "$folder/said"

# wrong NAME WHAT SCRIPT: the trials of a program that a script calls wrongly fail for that reason.
wrong() {
    printf '#!/bin/sh\nfor file; do :; done\n%s\n' "$3" >"$folder/dkl"
    chmod +x "$folder/dkl"
    ! verify/kill_trials "$folder/dkl" 5 1 verify >"$folder/said" && grep -q "$2" "$folder/said"
    verdict $? "found out: $1"
}
program=$PWD/$B/dkl
wrong 'what was there is overwritten' 'line from before the kill is gone' \
    "rm -f \"\$file\"; exec $program \"\$@\""
wrong 'a run that begins anew' 'again: ' \
    "for word; do shift; [ \$word = --resume ] || set -- \"\$@\" \$word; done; exec $program \"\$@\""
wrong 'a line that is no record' 'a whole line that is no record' \
    "[ ! -e \"\$file\" ] || echo '{' >>\"\$file\"; exec $program \"\$@\""
wrong 'other verdicts than undisturbed' 'other records than undisturbed' \
    "case \$file in */undisturbed) ;; *) set -- \"\$@\" --seed 2 ;; esac; exec $program \"\$@\""
echo "1..$count"
