/* test_wire.c: messages with descriptors, and what a hostile peer may send. */
#include "tap.h"
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/file.h"
#include "base/pool.h"
#include "wire/wire.h"

static apr_pool_t *pool;

static int open_descriptors(void)
{
    int n = 0;

    for (int fd = 0; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            n++;
    return n;
}

static void raw(int socket, const void *data, size_t len, const int *fds, int nfds)
{
    char space[CMSG_SPACE(250 * sizeof(int))];
    struct iovec vec = { .iov_base = (void *)data, .iov_len = len };
    struct msghdr msg = { .msg_iov = &vec, .msg_iovlen = 1 };

    memset(space, 0, sizeof space);
    if (nfds) {
        struct cmsghdr *c;

        msg.msg_control = space;
        msg.msg_controllen = CMSG_SPACE((size_t)nfds * sizeof(int));
        c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN((size_t)nfds * sizeof(int));
        memcpy(CMSG_DATA(c), fds, (size_t)nfds * sizeof(int));
    }
    if (sendmsg(socket, &msg, MSG_NOSIGNAL) < 0)
        printf("# sendmsg: %s\n", strerror(errno));
}

/* One raw message is refused with `code`, and no descriptor stays. */
static void refused(const char *name, sgn_code_t code, const void *data, size_t len, const int *fds, int nfds)
{
    apr_pool_t *sub;
    sgn_wire_message_t *got = NULL;
    int pair[2], before, after;

    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
    apr_pool_create(&sub, pool);
    before = open_descriptors();
    raw(pair[0], data, len, fds, nfds);
    is_code(sgn_wire_receive(&got, pair[1], apr_time_from_sec(1), sub), code, name);
    after = open_descriptors();
    is_int(after, before, "  and every descriptor that came is closed");
    apr_pool_destroy(sub);
    close(pair[0]);
    close(pair[1]);
}

static void good(void)
{
    sgn_wire_message_t message = { .json = sgn_json_object(pool) }, *got = NULL;
    int pair[2], file;
    char text[4] = "";
    char *big;

    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
    sgn_json_set_int(message.json, "v", 1);
    sgn_json_set_str(message.json, "op", "xin chào");
    is_code(sgn_file_memfd(&file, "t", sgn_bytes_str("abc"), pool), SGN_OK, "a file to send");
    message.fds[0] = file;
    message.nfds = 1;
    is_code(sgn_wire_send(pair[0], &message, 0, pool), SGN_OK, "wire: a message with a descriptor is sent");
    is_code(sgn_wire_receive(&got, pair[1], 0, pool), SGN_OK, "wire: and received");
    ok(got && got->nfds == 1 && json_equal(got->json, message.json), "wire: JSON and descriptors are the same");
    ok(got && got->fds[0] != file && pread(got->fds[0], text, 3, 0) == 3 && strcmp(text, "abc") == 0,
       "wire: the descriptor reads the same bytes");
    ok(got && (fcntl(got->fds[0], F_GETFD) & FD_CLOEXEC), "wire: a received descriptor is close-on-exec");

    big = apr_palloc(pool, 300001);
    memset(big, 'x', 300000);
    big[300000] = 0;
    sgn_json_set_str(message.json, "big", big);
    is_code(sgn_wire_send(pair[0], &message, 0, pool), SGN_OK, "wire: a text of 300 KB travels in a memfd");
    got = NULL;
    is_code(sgn_wire_receive(&got, pair[1], 0, pool), SGN_OK, "wire: and is received whole");
    ok(got && got->nfds == 1 && json_equal(got->json, message.json), "wire: the memfd is not among the caller's descriptors");

    is_code(sgn_wire_receive(&got, pair[1], 20000, pool), SGN_BUSY, "wire: a silent peer costs no longer than the wait");
    close(pair[0]);
    got = (void *)pair;
    is_code(sgn_wire_receive(&got, pair[1], 20000, pool), SGN_OK, "wire: a closed peer is no error");
    ok(got == NULL, "wire: and gives no message");
    is_code(sgn_wire_send(pair[1], &message, 20000, pool), SGN_WIRE, "wire: sending to a closed peer is an error without SIGPIPE");
    close(pair[1]);
}

static void hostile(void)
{
    int many[200], writable = memfd_create("w", MFD_CLOEXEC | MFD_ALLOW_SEALING), pipes[2], null = open("/dev/null", O_RDONLY);
    const char *text = "{\"v\":1}";
    char *longer = apr_pcalloc(pool, SGN_WIRE_INLINE + 100);

    for (int i = 0; i < 200; i++)
        many[i] = null;
    memset(longer, ' ', SGN_WIRE_INLINE + 99);
    refused("wire: a message over the inline limit is refused, not cut", SGN_WIRE, longer, SGN_WIRE_INLINE + 1, many, 1);
    refused("wire: more descriptors than allowed are refused and closed", SGN_WIRE, text, strlen(text), many, 200);
    refused("wire: no JSON is refused", SGN_JSON_SYNTAX, "hello", 5, many, 3);
    refused("wire: JSON that is no object is refused", SGN_WIRE, "[1]", 3, many, 1);
    refused("wire: a message without version is refused", SGN_FIELD, "{}", 2, NULL, 0);
    refused("wire: another version is refused by name", SGN_WIRE_SKEW, "{\"v\":2}", 7, NULL, 0);
    refused("wire: a key twice is refused", SGN_JSON_SYNTAX, "{\"v\":1,\"v\":1}", 13, NULL, 0);
    refused("wire: a long message without its descriptor is refused", SGN_WIRE, "@100", 4, NULL, 0);
    if (write(writable, text, strlen(text)) < 0 || pipe(pipes) != 0)
        ok(0, "setup");
    refused("wire: a long message that the sender can still change is refused", SGN_WIRE, "@7", 2, &writable, 1);
    refused("wire: a pipe in place of the memfd does not hold the reader", SGN_WIRE, "@7", 2, pipes, 1);
    fcntl(writable, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
    refused("wire: a length beyond the memfd is refused", SGN_FILE_SHORT, "@8", 2, &writable, 1);
    refused("wire: a length beyond the limit is refused before allocation", SGN_WIRE, "@99999999999999999999", 21, &writable, 1);
    refused("wire: a length that is no number is refused", SGN_WIRE, "@7x", 3, &writable, 1);
    close(writable);
    close(pipes[0]);
    close(pipes[1]);
    close(null);
}

static void connecting(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const char *path = apr_pstrcat(pool, scratch_dir(), "/wire-test.sock", NULL);
    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), fd = -1, accepted;
    uid_t uid = 4711;
    pid_t pid = 0;

    is_code(sgn_wire_connect(&fd, path, 100000, pool), SGN_KEEPER_ABSENT, "wire: no keeper is said by name");
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (bind(listener, (void *)&address, sizeof address) != 0 || listen(listener, 4) != 0)
        ok(0, "setup");
    is_code(sgn_wire_connect(&fd, path, 100000, pool), SGN_OK, "wire: connect");
    accepted = accept(listener, NULL, NULL);
    is_code(sgn_wire_peer(&uid, &pid, accepted, pool), SGN_OK, "wire: the kernel names the peer");
    ok(uid == getuid() && pid == getpid(), "wire: it is this process");
    close(accepted);
    close(listener);
    is_code(sgn_wire_connect(&fd, path, 100000, pool), SGN_KEEPER_ABSENT, "wire: a socket without listener is an absent keeper");
    unlink(path);
}

int main(void)
{
    pool = tap_pool();
    good();
    hostile();
    connecting();
    return done_testing();
}
