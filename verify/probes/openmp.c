/* Whether OpenMP compiles, links and really starts threads. */
#include <omp.h>
#include <stdio.h>

int main(void) {
    int threads = 0, sum = 0;
#pragma omp parallel num_threads(2) reduction(+ : sum)
    {
        sum += 1 + omp_get_thread_num();
#pragma omp single
        threads = omp_get_num_threads();
    }
    if (threads != 2 || sum != 3) {
        printf("asked for 2 threads, got %d", threads);
        return 1;
    }
    printf("%d threads", threads);
    return 0;
}
