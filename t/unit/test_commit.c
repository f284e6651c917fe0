/* Many documents archived at once share their syncs: nothing is acknowledged
 * before what it needs was synced, whatever fails or is killed. */
#include "t/unit/tap.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "office/archive/ocfl.h"
#include "t/unit/archive_ground.h"

#define THREADS 8
#define EACH 12

static ground_t ground;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* ---- what the disk was told to keep ----------------------------------------------------
 * The libraries are linked into this program, so they call this fsync.  Noted
 * are the size of a file and the names in a directory as they were then. */
static json_t *synced;              /* "inode" -> size, "inode/name" -> true */
static int fsync_count, fsync_fails, fsync_error;

static void note_directory(int fd, const char *inode)
{
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = own < 0 ? NULL : fdopendir(own);
    struct dirent *entry;
    char key[300];

    while (dir && (entry = readdir(dir)) != NULL) {
        snprintf(key, sizeof(key), "%s/%s", inode, entry->d_name);
        json_object_set_new(synced, key, json_true());
    }
    if (dir)
        closedir(dir);
}

static void note(int fd)
{
    struct stat status;
    char inode[32];

    if (fstat(fd, &status) != 0)
        return;
    snprintf(inode, sizeof(inode), "%lu", (unsigned long)status.st_ino);
    json_object_set_new(synced, inode, json_integer(status.st_size));
    if (S_ISDIR(status.st_mode))
        note_directory(fd, inode);
}

int fsync(int fd)
{
    int result;

    pthread_mutex_lock(&mutex);
    fsync_count++;
    if (fsync_count == fsync_fails) {
        pthread_mutex_unlock(&mutex);
        errno = fsync_error;
        return -1;
    }
    if (synced)
        note(fd);           /* before: what comes while it is synced may miss it */
    pthread_mutex_unlock(&mutex);
    result = (int)syscall(SYS_fsync, fd);
    return result;
}

static int is_synced(const char *path, const char *name)
{
    struct stat parent, own;
    const char *whole = apr_pstrcat(tap_pool(), path, "/", name, NULL);
    json_t *size;

    if (stat(path, &parent) != 0 || stat(whole, &own) != 0)
        return 0;
    if (!json_object_get(synced, apr_psprintf(tap_pool(), "%lu/%s", (unsigned long)parent.st_ino, name)))
        return 0;
    size = json_object_get(synced, apr_psprintf(tap_pool(), "%lu", (unsigned long)own.st_ino));
    return size && (S_ISDIR(own.st_mode) || json_integer_value(size) == own.st_size);
}

static int tree_is_synced(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int good = dir != NULL;

    while (dir && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        good = good && is_synced(path, entry->d_name);
        if (entry->d_type == DT_DIR)
            good = good && tree_is_synced(apr_pstrcat(tap_pool(), path, "/", entry->d_name, NULL));
    }
    if (dir)
        closedir(dir);
    return good;
}

/* The commit line lies before the place up to which the journal was synced. */
static int journal_has(const char *id)
{
    const char *chains = apr_pstrcat(tap_pool(), ground.path, "/archive/journal", NULL), *file = NULL;
    struct dirent *entry;
    struct stat status;
    sgn_bytes_t bytes;
    json_t *size;
    char *at;
    int level, root;

    for (level = 0; level < 2; level++) {
        DIR *dir = opendir(chains);

        file = NULL;
        while (dir && (entry = readdir(dir)) != NULL)
            if (entry->d_name[0] != '.' && strcmp(entry->d_name, "WRITER") != 0)
                file = apr_pstrdup(tap_pool(), entry->d_name);
        if (dir)
            closedir(dir);
        chains = apr_pstrcat(tap_pool(), chains, "/", file ? file : "", NULL);
    }
    ground_need(sgn_file_root(&root, ground.path, tap_pool()), "root");
    ground_need(sgn_file_read(&bytes, root, chains + strlen(ground.path) + 1, 64 << 20, tap_pool()), "journal");
    if (stat(chains, &status) != 0)
        return 0;
    size = json_object_get(synced, apr_psprintf(tap_pool(), "%lu", (unsigned long)status.st_ino));
    if (!size)
        return 0;
    ((char *)bytes.data)[json_integer_value(size)] = '\0';
    for (at = (char *)bytes.data; (at = strstr(at, id)) != NULL; at++) {
        char *start = at, *end = strchr(at, '\n');

        while (start > (char *)bytes.data && start[-1] != '\n')
            start--;
        if (!end)
            return 0;
        if (strstr(start, "\"op\":\"commit\"") && strstr(start, "\"op\":\"commit\"") < end)
            return 1;
    }
    return 0;
}

static int is_durable(const char *id)
{
    const char *path, *root = apr_pstrcat(tap_pool(), ground.path, "/archive/root", NULL);

    ground_need(sgn_ocfl_path(&path, id, tap_pool()), "path");
    return is_synced(root, apr_pstrmemdup(tap_pool(), path, 2))
        && is_synced(apr_pstrcat(tap_pool(), root, "/", apr_pstrmemdup(tap_pool(), path, 2), NULL), apr_pstrmemdup(tap_pool(), path + 3, 2))
        && is_synced(apr_pstrcat(tap_pool(), root, "/", apr_pstrmemdup(tap_pool(), path, 5), NULL), path + 6)
        && tree_is_synced(apr_pstrcat(tap_pool(), root, "/", path, NULL)) && journal_has(id);
}

/* ---- threads that put ------------------------------------------------------------------ */

typedef struct {
    int number, count, failed, early, wrong, pipe;
    const char *ids[EACH];          /* acknowledged, NULL: failed */
    apr_pool_t *pool;
} putter_t;

static void *put_all(void *data)
{
    putter_t *putter = data;
    int i;

    for (i = 0; i < putter->count || putter->pipe; i++) {
        int n = putter->number * 100000 + i;
        sgn_archive_receipt_t receipt;
        apr_pool_t *pool;
        sgn_error_t *error;

        apr_pool_create(&pool, putter->pool);
        error = ground_put(&receipt, &ground, n, 3000, pool);
        if (putter->pipe) {
            const char *line = error ? "" : apr_psprintf(pool, "%d %s\n", n, receipt.id);

            if (error || write(putter->pipe, line, strlen(line)) < 0)
                _exit(4);
            apr_pool_destroy(pool);
            continue;
        }
        pthread_mutex_lock(&mutex);
        putter->ids[i] = error ? NULL : apr_pstrdup(tap_pool(), receipt.id);
        putter->failed += error != NULL;
        putter->wrong += error && error->code != SGN_FILE_FAILED && error->code != SGN_DISK_FULL;
        if (error && error->code != SGN_FILE_FAILED && error->code != SGN_DISK_FULL)
            printf("# %s\n", sgn_error_chain(error, pool));
        putter->early += !error && synced && !is_durable(receipt.id);
        pthread_mutex_unlock(&mutex);
        apr_pool_destroy(pool);
    }
    return NULL;
}

static void put_at_once(putter_t *putters, int first)
{
    pthread_t ids[THREADS];
    int i;

    for (i = 0; i < THREADS; i++) {
        memset(&putters[i], 0, sizeof(putters[i]));
        putters[i].number = first + i;
        putters[i].count = EACH;
        apr_pool_create(&putters[i].pool, NULL);
    }
    for (i = 0; i < THREADS; i++)
        if (pthread_create(&ids[i], NULL, put_all, &putters[i]) != 0)
            exit(1);
    for (i = 0; i < THREADS; i++) {
        pthread_join(ids[i], NULL);
        apr_pool_destroy(putters[i].pool);
    }
}

static int is_valid(void)
{
    json_t *answer;

    ground_need(sgn_archive_check(&answer, ground.archive, 1, NULL, NULL, tap_pool()), "check");
    if (!json_is_true(json_object_get(answer, "ok")))
        printf("# %s\n", sgn_json_print(answer, tap_pool()));
    return json_is_true(json_object_get(answer, "ok"));
}

static int documents(void)
{
    json_t *status;

    ground_need(sgn_archive_status(&status, ground.archive, tap_pool()), "status");
    return (int)json_integer_value(json_object_get(status, "documents"));
}

/* ---- the tests ------------------------------------------------------------------------------ */

static void test_order(void)
{
    putter_t putters[THREADS];
    int i, failed = 0, early = 0, alone;
    sgn_archive_receipt_t receipt;

    ground_begin(&ground);
    ground_need(ground_open(&ground), "open");
    fsync_count = 0;
    for (i = 0; i < EACH; i++)
        ground_need(ground_put(&receipt, &ground, 900000 + i, 3000, tap_pool()), "put");
    alone = fsync_count;
    synced = sgn_json_object(tap_pool());
    note(ground.root);
    fsync_count = 0;
    put_at_once(putters, 0);
    for (i = 0; i < THREADS; i++) {
        failed += putters[i].failed;
        early += putters[i].early;
    }
    synced = NULL;
    printf("# %d syncs for %d documents one by one, %d for %d at once\n", alone, EACH, fsync_count, THREADS * EACH);
    is_int(failed, 0, "commit: many at once are archived");
    is_int(early, 0, "commit: none is acknowledged before all of it was synced");
    ok(fsync_count * EACH < alone * THREADS * EACH, "commit: and they share syncs");
    is_int(documents(), (THREADS + 1) * EACH, "commit: each is one document");
    ok(is_valid(), "commit: the archive is valid");
    ground_end(&ground);
}

/* One sync fails while many wait for it. */
static void test_disk(void)
{
    putter_t putters[THREADS], again[THREADS];
    int round, i, k, failed = 0, wrong = 0, lost = 0, moved = 0, invalid = 0, count = 0;

    ground_begin(&ground);
    ground_need(ground_open(&ground), "open");
    for (round = 0; round < 12; round++) {
        fsync_count = 0;
        fsync_error = round % 2 ? EIO : ENOSPC;
        fsync_fails = 40 + round * 61;
        put_at_once(putters, (round + 1) * THREADS);
        fsync_fails = 0;
        put_at_once(again, (round + 1) * THREADS);
        for (i = 0; i < THREADS; i++) {
            failed += putters[i].failed;
            wrong += putters[i].wrong;
            lost += again[i].failed;
            for (k = 0; k < EACH; k++)
                moved += putters[i].ids[k] && again[i].ids[k] && strcmp(putters[i].ids[k], again[i].ids[k]) != 0;
        }
        count += THREADS * EACH;
        invalid += !is_valid() || documents() != count;
    }
    printf("# %d of %d failed\n", failed, count);
    /* one that hits the catalogue's own housekeeping is nobody's */
    ok(failed >= 6, "disk: a failing sync is told to those that needed it");
    is_int(wrong, 0, "disk: with its code");
    is_int(lost, 0, "disk: the same acts go through afterwards");
    is_int(moved, 0, "disk: what was acknowledged keeps its number");
    is_int(invalid, 0, "disk: the archive is valid each time, every act one document");
    ground_close(&ground);
    ground_need(ground_open(&ground), "open");
    ok(is_valid() && documents() == count, "disk: also after a new start");
    ground_end(&ground);
}

static void child(int ends[2], int round)
{
    putter_t putters[4];
    pthread_t ids[4];
    int i;

    close(ends[0]);
    if (ground_open(&ground))
        _exit(3);
    for (i = 0; i < 4; i++) {
        memset(&putters[i], 0, sizeof(putters[i]));
        putters[i].number = 1000 + round * 10 + i;
        putters[i].pipe = ends[1];
        apr_pool_create(&putters[i].pool, NULL);
        if (pthread_create(&ids[i], NULL, put_all, &putters[i]) != 0)
            _exit(5);
    }
    pause();
}

static int lost_lines(FILE *in, int *acknowledged)
{
    char line[80], id[64];
    int n, lost = 0;

    while (fgets(line, sizeof(line), in)) {
        sgn_archive_receipt_t *known;
        sgn_archive_file_t file;

        if (sscanf(line, "%d %63s", &n, id) != 2)
            continue;
        ++*acknowledged;
        if (sgn_archive_find_key(&known, ground.archive, apr_psprintf(tap_pool(), "job/%d/0", n), tap_pool()) || !known
            || strcmp(known->id, id) != 0 || sgn_archive_original(&file, ground.archive, id, tap_pool()))
            lost++;
    }
    return lost;
}

static void test_kill(void)
{
    const char *rounds_text = getenv("SGN_KILL_ROUNDS");
    int rounds = rounds_text ? atoi(rounds_text) : 8, round, acknowledged = 0, lost = 0, invalid = 0, failed = 0;

    ground_begin(&ground);
    for (round = 0; round < rounds; round++) {
        int ends[2], status;
        FILE *in;
        pid_t pid;

        fflush(stdout);
        if (pipe(ends) != 0)
            exit(1);
        pid = fork();
        if (pid == 0)
            child(ends, round);
        close(ends[1]);
        usleep((useconds_t)(60000 + (round * 7919) % 90000));
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        failed += !WIFSIGNALED(status) || ground_open(&ground) != NULL;
        if (failed)
            break;
        in = fdopen(ends[0], "r");
        lost += lost_lines(in, &acknowledged);
        fclose(in);
        invalid += !is_valid();
        ground_close(&ground);
    }
    printf("# %d rounds, %d acknowledged\n", rounds, acknowledged);
    ok(acknowledged > 0 && failed == 0, "kill -9: with four at work the archive opens again every time");
    is_int(lost, 0, "kill -9: every acknowledged document is there under its key");
    is_int(invalid, 0, "kill -9: every object is valid, nothing half done is left");
    ground_need(ground_open(&ground), "open");
    ground_end(&ground);
}

/* The same act by many threads is archived once. */
static void *put_same(void *data)
{
    sgn_archive_receipt_t receipt;
    const char **id = data;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    if (!ground_put(&receipt, &ground, 77, 3000, pool)) {
        pthread_mutex_lock(&mutex);
        *id = apr_pstrdup(tap_pool(), receipt.id);
        pthread_mutex_unlock(&mutex);
    }
    apr_pool_destroy(pool);
    return NULL;
}

static void test_same(void)
{
    const char *ids[THREADS] = { NULL };
    pthread_t threads[THREADS];
    int i, same = 1;

    ground_begin(&ground);
    ground_need(ground_open(&ground), "open");
    for (i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, put_same, &ids[i]) != 0)
            exit(1);
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (i = 0; i < THREADS; i++)
        same = same && ids[i] && strcmp(ids[i], ids[0]) == 0;
    ok(same, "same: one act by many threads has one number");
    is_int(documents(), 1, "same: and is one document");
    ok(is_valid(), "same: the archive is valid");
    ground_end(&ground);
}

int main(void)
{
    test_order();
    test_disk();
    test_same();
    test_kill();
    return done_testing();
}
