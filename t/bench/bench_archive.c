/*
 * bench_archive.c: documents per second that are archived durably, by how many
 * at once:  bench_archive DOCUMENTS SIZE THREADS...
 * Works in TMPDIR (default /tmp), which should be on the disk that is meant.
 */
#include "t/unit/tap.h"

#include <pthread.h>

#include "t/unit/archive_ground.h"

static ground_t ground;
static int documents, size, next;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *work(void *unused)
{
    apr_pool_t *pool;

    (void)unused;
    apr_pool_create(&pool, NULL);
    for (;;) {
        sgn_archive_receipt_t receipt;
        int mine;

        pthread_mutex_lock(&mutex);
        mine = next++;
        pthread_mutex_unlock(&mutex);
        if (mine >= documents)
            break;
        apr_pool_clear(pool);
        ground_need(ground_put(&receipt, &ground, mine, (size_t)size, pool), "put");
    }
    apr_pool_destroy(pool);
    return NULL;
}

static void measure(int threads)
{
    pthread_t ids[64];
    apr_time_t start;
    double seconds;
    int i;

    ground_begin(&ground);
    ground_need(ground_open(&ground), "open");
    next = 0;
    start = apr_time_now();
    for (i = 0; i < threads; i++)
        if (pthread_create(&ids[i], NULL, work, NULL) != 0)
            exit(1);
    for (i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    seconds = (double)(apr_time_now() - start) / 1e6;
    printf("%2d at once: %4d documents of %d KB in %.2f s: %.0f documents/s\n", threads, documents, size / 1024, seconds, documents / seconds);
    fflush(stdout);
    ground_end(&ground);
}

int main(int argc, char **argv)
{
    int i;

    if (argc < 4)
        return 2;
    tap_pool();
    documents = atoi(argv[1]);
    size = atoi(argv[2]);
    for (i = 3; i < argc; i++)
        measure(atoi(argv[i]) < 64 ? atoi(argv[i]) : 64);
    return 0;
}
