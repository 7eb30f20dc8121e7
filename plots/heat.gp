# A number for each batch and number of classes. Data: a block a batch; columns: place of C, place
# of the batch, the number. heat_low, heat_high: their range; x_tics, y_tics: what stands at a place.

load style
unset logscale
unset grid
set logscale cb
set cbrange [heat_low:heat_high]
set palette defined (0 '#e8f1f8', 1 '#9ecae1', 2 '#fdd49e', 3 '#f16913')
unset colorbox
set style fill solid 1 noborder
cell = '#010101' # black on every page: cells keep their colours
eval "set xtics (" . x_tics . ")"
eval "set ytics (" . y_tics . ")"
set xrange [-0.5:x_places-0.5]
set yrange [-0.5:y_places-0.5]
do for [p = 1:panels] {
    eval start_panel
    plot \
        for [i = first[p]:last[p]] data index i-1 using 1:2: \
            ($1-0.48):($1+0.48):($2-0.46):($2+0.46):3 with boxxyerror linecolor palette, \
        for [i = first[p]:last[p]] data index i-1 using 1:2: \
            ($3 < 10 ? sprintf("%.2f", $3) : sprintf("%.0f", $3)) \
            with labels noenhanced textcolor rgb cell
    eval end_panel
}
unset multiplot
set output
