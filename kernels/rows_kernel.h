/*
 * The two calls of an implementation that works row by row. Include it behind a function
 * `static const row_kernel *rows(void)` that picks the variant for this machine (VARIANT_BEST),
 * before the dkl_kernel that names them.
 */
static dkl_status setup(dkl_job *job, dkl_fault *fault) { return rows_setup(job, rows(), fault); }
static dkl_status run(dkl_job *job) { return rows_run(job, rows()); }
