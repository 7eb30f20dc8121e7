# Curves against a parameter, both axes logarithmic. Columns of data: parameter, value, limit (a
# bound, or what the hardware allows: dotted). A value of 0 lies at floor[p], one that is not finite
# at ceiling[p]; both get a tick that says so: these two lie where the axis has no place for them.
# x_low[], x_high[], floor[], ceiling[], has_zero[], has_infinite[] are by panel; marks, mark_at[],
# mark_name[]: upright lines with a name, as many as there are.

load style

steps(decades) = decades <= 5 ? 1 : decades <= 10 ? 2 : decades <= 25 ? 5 : 10
step(range) = steps(log10(range))
shown(e) = e == 0 ? floor[p] : (e > ceiling[p] ? ceiling[p] : e)
do for [p = 1:panels] {
    eval start_panel
    set xtics auto
    set ytics auto
    # At most six powers of ten on an axis: more do not fit beside each other in a small panel.
    # One by one, because a step of ten decades sends gnuplot 5.4 into a loop without end.
    x_step = step(x_high[p] / x_low[p])
    y_step = step(ceiling[p] / floor[p])
    if (x_step > 1) {
        set xtics ()
        do for [k = -30:30] { set xtics add (sprintf("10^{%d}", k*x_step) 10.0**(k*x_step)) }
    }
    if (y_step > 1) {
        set ytics ()
        do for [k = -30:30] { set ytics add (sprintf("10^{%d}", k*y_step) 10.0**(k*y_step)) }
    }
    set format x (x_high[p] / x_low[p] > 50 ? "10^{%T}" : "%g")
    set format y "10^{%T}"
    set xrange [x_low[p]/1.6:x_high[p]*1.6]
    set yrange [floor[p]/1.8:ceiling[p]*1.8]
    if (has_zero[p]) { set ytics add ("0" floor[p]) }
    if (has_infinite[p]) { set ytics add ("∞" ceiling[p]) }
    do for [m = 1:marks] {
        if (mark_at[m] > x_low[p]/1.6 && mark_at[m] < x_high[p]*1.6) {
            set arrow from mark_at[m], graph 0 to mark_at[m], graph 1 nohead \
                linecolor rgb faint linewidth 1.2
            set label mark_name[m] at mark_at[m], graph 0.97 right offset -0.4,0 noenhanced \
                textcolor rgb ink
        }
    }
    plot \
        for [i = first[p]:last[p]] data index i-1 using 1:3 \
            with lines linestyle 100+curve_style[i], \
        for [i = first[p]:last[p]] data index i-1 every ::0::0 using 1:3 \
            with points linestyle 100+curve_style[i], \
        for [i = first[p]:last[p]] data index i-1 using 1:(shown($2)) \
            with linespoints linestyle curve_style[i]
    eval end_panel
}
unset multiplot
set output
