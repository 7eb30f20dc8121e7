# Time of one row against the number of classes. Columns of data: C, median, lower and upper end of
# its interval, all times in ns a row. guide_c[], guide_cc[]: factors of the guide lines of a panel,
# 0 where there is no line; guide_end[]: where that of C^2 ends. classes_low, classes_high,
# time_low, time_high: the ranges of the data.

load style
set format y "10^{%T}"
set xrange [classes_low/1.3:classes_high*1.3]
set yrange [time_low/2:time_high*4]

# The guides are drawn over the upper half of the range, where the slope and not the fixed cost of
# a row decides.
guide_from = sqrt(1.0 * classes_low * classes_high)
do for [p = 1:panels] {
    eval start_panel
    if (guide_c[p] > 0) {
        set label 901 "∝ C" at classes_high, guide_c[p]*classes_high right \
            offset 0.6,-0.9 textcolor rgb ink
    }
    if (guide_cc[p] > 0) {
        set label 902 "∝ C²" at guide_end[p]/8, guide_cc[p]*(guide_end[p]/8)**2 right \
            offset -0.6,0.3 textcolor rgb ink
    }
    plot sample \
        [guide_from:classes_high] '+' using 1:(guide_c[p] > 0 ? guide_c[p]*$1 : NaN) \
            with lines linecolor rgb faint linewidth 1.2, \
        [guide_end[p]/8:guide_end[p]] '+' using 1:(guide_cc[p] > 0 ? guide_cc[p]*$1**2 : NaN) \
            with lines linecolor rgb faint linewidth 1.2, \
        for [i = first[p]:last[p]] data index i-1 using 1:2:3:4 \
            with yerrorlines linestyle curve_style[i]
    eval end_panel
}
unset multiplot
set output
