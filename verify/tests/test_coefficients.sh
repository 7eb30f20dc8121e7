#!/bin/sh
# kernels/explog_table.h is what reference/explog.sollya writes, and the errors that
# verify/tests/test_explog_bound.c takes for proved are the ones that stand there.
count=0
made=$(mktemp) || exit 1
trap 'rm -f "$made"' EXIT
verdict() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}
table=kernels/explog_table.h
command -v sollya >/dev/null || echo '# sollya is missing: ./setup test installs it'
sollya reference/explog.sollya >"$made" 2>&1 && cmp -s "$made" $table
verdict $? "sollya makes the coefficients of $table again"
diff "$made" $table | sed 's/^/# /'

proved=$(sed -n 's/.*relative error at most \(.*\)\. \*\/$/\1/p' $table | sort)
taken=$(grep -oE '(p|q)_error = [0-9]+e-[0-9]+' verify/tests/test_explog_bound.c |
    sed 's/.*= //' | sort)
[ -n "$proved" ] && [ "$proved" = "$taken" ]
verdict $? 'the proved errors are those that the bounds are made of'
echo "1..$count"
