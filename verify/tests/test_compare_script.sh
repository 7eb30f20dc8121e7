#!/bin/sh
# bench/compare in a repository made here, whose "dkl" is a script: what is built, in which order
# programs run, which exit status comes out, and that no worktree is left behind.
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
scripts=$PWD/bench
count=0
verdict() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}

# The dkl of a revision: bench appends the revision's word to the records and to a log; compare ends
# with the status in a file. "build" is what its Makefile makes.
cd "$folder" || exit 1
export B=build/cc-release HOME="$folder" ROUNDS=3 OPTIONS='--batch 8 --impl centred.*' FOLDER="$folder"
unset THRESHOLD MAKEFLAGS MAKELEVEL MFLAGS
git init -q . && git config user.name n && git config user.email e && git config gc.auto 0
mkdir bench
cp "$scripts/compare" "$scripts/alternate" bench/
cat >dkl.sh <<'END'
#!/bin/sh
command=$1
shift
case $command in
bench)
    echo "$*" >"$FOLDER/options"
    while [ "$1" != --out ]; do shift; done
    printf '%s ' "$(basename "$2" .jsonl)" >>"$FOLDER/order"
    echo @WORD@ >>"$2"
    [ ! -e "$FOLDER/break" ] || { echo broken >&2 && exit "$(cat "$FOLDER/break")"; }
    ;;
compare)
    echo "$*" >"$FOLDER/compared"
    exit "$(cat "$FOLDER/status")"
    ;;
esac
END
cat >Makefile <<'END'
BASE := flags
build/cc-release/dkl: dkl.sh word
	@mkdir -p build/cc-release
	@[ '$(BASE)' = flags ]
	sed "s/@WORD@/$$(cat word)/" dkl.sh >$@ && chmod +x $@
END
printf '/build/\n/results/\n/order\n/options\n/break\n/compared\n/status\n' >.gitignore
echo first >word
git add . && git commit -q -m first
echo second >word
git commit -q -a -m second
printf 'broken:\n\tfalse\nbuild/cc-release/dkl: broken\n' >>Makefile
git commit -q -a -m broken
git checkout -q HEAD~1 -- Makefile
echo third >word # not committed
echo mine >untracked
make -s build/cc-release/dkl >build.log 2>&1 || cat build.log
rm -f build.log
echo 0 >status

clean() {
    [ "$(git worktree list | wc -l)" -eq 1 ] && [ ! -e build/compare/tree ] &&
        [ "$(cat word)" = third ] && [ "$(cat untracked)" = mine ]
}

BASE=HEAD~2 bench/compare HEAD~2 >said 2>&1
verdict $? 'a comparison without regression ends with 0'
[ "$(sort -u results/compare-old.jsonl) $(sort -u results/compare-new.jsonl) $(sort -u \
    results/compare-again.jsonl)" = 'first third first' ]
verdict $? 'old and again are the revision, new the tree with its changes'
[ "$(cat order)" = 'compare-old compare-new compare-again compare-again compare-new compare-old compare-old compare-new compare-again ' ]
verdict $? 'rounds go there and back'
[ "$(cat options)" = '--batch 8 --impl centred.* --out results/compare-again.jsonl' ]
verdict $? 'options reach the programs as they are'
[ "$(cat compared)" = '--threshold 3% --again results/compare-again.jsonl results/compare-old.jsonl results/compare-new.jsonl' ]
verdict $? 'dkl compare is asked'
clean
verdict $? 'no worktree is left, no change is lost'

echo 1 >status
THRESHOLD=7% bench/compare HEAD~2 >said 2>&1
[ $? -eq 1 ] && grep -q -- '--threshold 7%' compared && [ "$(wc -l <results/compare-old.jsonl)" -eq 3 ]
verdict $? 'a regression ends with 1; records begin anew'
! grep -q building said
verdict $? 'a revision is built once'

echo 1 >"$folder/break"
bench/compare HEAD~2 >said 2>&1
[ $? -eq 1 ] && [ "$(wc -l <results/compare-old.jsonl)" -eq 3 ]
verdict $? 'a program whose checks fail goes on, dkl compare has the word'
echo 0 >status
echo 3 >"$folder/break"
bench/compare HEAD~2 >said 2>&1
[ $? -eq 3 ] && grep -q '^broken$' said && grep -q 'compare-old' said
verdict $? 'a program that breaks ends with 3 and says why'
rm "$folder/break"

for revision in nowhere ''; do
    bench/compare "$revision" >said 2>&1
    [ $? -eq 2 ] && [ "$(wc -l <said)" -eq 1 ]
    verdict $? "revision '$revision' is a mistake of usage, in one line"
done
bench/compare HEAD >said 2>&1
[ $? -eq 3 ] && grep -q 'does not build' said && clean
verdict $? 'a revision that does not build ends with 3 and leaves no worktree'

# What a killed comparison left, and what make clean leaves of that.
git worktree add -q --detach build/compare/tree HEAD~1
bench/compare HEAD~1 >said 2>&1 && clean
verdict $? 'a worktree that was left behind is taken away'
git worktree add -q --detach build/compare/tree HEAD~1
rm -rf "$folder/build/compare"
bench/compare HEAD~1 >said 2>&1 && clean
verdict $? 'one whose folder is gone, too'
echo "1..$count"
