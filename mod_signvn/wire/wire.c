/* wire.c: SEQPACKET messages: the text itself, or "@<length>" with the text in
 * a sealed memfd that is the first descriptor. */
#include "wire/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/pool.h"

#ifndef F_GET_SEALS
#define F_GET_SEALS 1034
#define F_SEAL_SHRINK 0x0002
#define F_SEAL_GROW 0x0004
#define F_SEAL_WRITE 0x0008
#endif

/* One descriptor more than callers see: the memfd of a long text. */
#define FDS (SGN_WIRE_FDS + 1)

typedef union {
    struct cmsghdr align;
    char space[CMSG_SPACE(FDS * sizeof(int))];
} control_t;

/* Milliseconds for poll(2) until `until` (monotonic); negative wait: for ever. */
static int left(apr_interval_time_t wait, apr_time_t until)
{
    apr_interval_time_t rest;

    if (wait < 0)
        return -1;
    rest = until - sgn_clock_monotonic();
    return rest <= 0 ? 0 : (int)(rest / 1000 + 1);
}

static sgn_error_t *wait_for(int socket, short events, apr_interval_time_t wait,
                             apr_time_t until, apr_pool_t *pool)
{
    for (;;) {
        struct pollfd fd = { .fd = socket, .events = events };
        int rc = poll(&fd, 1, left(wait, until));

        if (rc > 0)
            return NULL;
        if (rc == 0)
            return SGN_ERROR(pool, SGN_BUSY, "no answer in %d ms", (int)(wait / 1000));
        if (errno != EINTR)
            return SGN_ERROR_ERRNO(pool, SGN_WIRE, "poll");
    }
}

sgn_error_t *sgn_wire_send(int socket, const sgn_wire_message_t *message,
                           apr_interval_time_t wait, apr_pool_t *pool)
{
    const char *text = sgn_json_print(message->json, pool);
    size_t len = text ? strlen(text) : 0;
    apr_time_t until = sgn_clock_monotonic() + (wait > 0 ? wait : 0);
    int fds[FDS], nfds = 0, memfd = -1;
    char longer[32];
    struct iovec vec;
    control_t control;
    struct msghdr msg = { .msg_iov = &vec, .msg_iovlen = 1 };

    if (!text || len > SGN_WIRE_LIMIT)
        return SGN_ERROR(pool, SGN_WIRE, "message of %" APR_SIZE_T_FMT " bytes", len);
    if (message->nfds < 0 || message->nfds > SGN_WIRE_FDS)
        return SGN_ERROR(pool, SGN_WIRE, "%d descriptors", message->nfds);
    vec.iov_base = (void *)text;
    vec.iov_len = len;
    if (len > SGN_WIRE_INLINE) {
        SGN_TRY(sgn_file_memfd(&memfd, "signvn-message", sgn_bytes(text, len), pool));
        fds[nfds++] = memfd;
        snprintf(longer, sizeof longer, "@%" APR_SIZE_T_FMT, len);
        vec.iov_base = longer;
        vec.iov_len = strlen(longer);
    }
    for (int i = 0; i < message->nfds; i++)
        fds[nfds++] = message->fds[i];
    if (nfds) {
        struct cmsghdr *header;

        memset(&control, 0, sizeof control);
        msg.msg_control = &control;
        msg.msg_controllen = CMSG_SPACE((size_t)nfds * sizeof(int));
        header = CMSG_FIRSTHDR(&msg);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN((size_t)nfds * sizeof(int));
        memcpy(CMSG_DATA(header), fds, (size_t)nfds * sizeof(int));
    }
    for (;;) {
        ssize_t n = sendmsg(socket, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n >= 0)
            break;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            return SGN_ERROR_ERRNO(pool, SGN_WIRE, "sendmsg");
        SGN_TRY(wait_for(socket, POLLOUT, wait, until, pool));
    }
    if (memfd >= 0)
        sgn_pool_close_fd(pool, memfd);
    return NULL;
}

/* The descriptors of a received message, owned by the pool at once, so that
 * every refusal below closes them. */
static int adopt(int fds[FDS], struct msghdr *msg, apr_pool_t *pool)
{
    int n = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        int count;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        for (int i = 0; i < count; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + (size_t)i * sizeof(int), sizeof fd);
            if (n == FDS) {
                close(fd);
                continue;
            }
            sgn_pool_own_fd(pool, fd);
            fds[n++] = fd;
        }
    }
    return n;
}

static void drop(const int *fds, int nfds, apr_pool_t *pool)
{
    for (int i = 0; i < nfds; i++)
        sgn_pool_close_fd(pool, fds[i]);
}

/* "@<length>": the text is in the first descriptor.  Only a memfd that nobody
 * can change or cut any more is read: a file on FUSE or a pipe would hold the
 * thread. */
static sgn_error_t *read_long(sgn_bytes_t *out, const char *header, size_t len, int fd, apr_pool_t *pool)
{
    const int want = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
    apr_uint64_t size = 0;
    unsigned char *data;
    int seals;

    for (size_t i = 1; i < len; i++) {
        if (header[i] < '0' || header[i] > '9' || size > SGN_WIRE_LIMIT)
            return SGN_ERROR(pool, SGN_WIRE, "length of a long message");
        size = size * 10 + (apr_uint64_t)(header[i] - '0');
    }
    if (len < 2 || size == 0 || size > SGN_WIRE_LIMIT)
        return SGN_ERROR(pool, SGN_WIRE, "length of a long message");
    seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & want) != want)
        return SGN_ERROR(pool, SGN_WIRE, "a long message without seals");
    data = apr_palloc(pool, (apr_size_t)size + 1);
    SGN_TRY(sgn_file_pread_all(fd, data, (size_t)size, 0, pool));
    data[size] = 0;
    *out = sgn_bytes(data, (size_t)size);
    return NULL;
}

static sgn_error_t *decode(sgn_wire_message_t *message, char *buffer, size_t len,
                           int *fds, int nfds, apr_pool_t *pool)
{
    sgn_bytes_t text = sgn_bytes(buffer, len);
    apr_int64_t version;
    int skip = 0;

    if (len > 0 && buffer[0] == '@') {
        if (nfds < 1)
            return SGN_ERROR(pool, SGN_WIRE, "a long message without its descriptor");
        SGN_TRY(read_long(&text, buffer, len, fds[0], pool));
        sgn_pool_close_fd(pool, fds[0]);
        fds[0] = -1;
        skip = 1;
    }
    if (nfds - skip > SGN_WIRE_FDS)
        return SGN_ERROR(pool, SGN_WIRE, "too many descriptors");
    message->nfds = nfds - skip;
    for (int i = 0; i < message->nfds; i++)
        message->fds[i] = fds[skip + i];
    message->length = text.len;
    SGN_TRY(sgn_json_parse(&message->json, text, SGN_WIRE_LIMIT, pool));
    if (!json_is_object(message->json))
        return SGN_ERROR(pool, SGN_WIRE, "a message that is no object");
    SGN_TRY(sgn_json_get_int(&version, message->json, "v", pool));
    if (version != SGN_WIRE_VERSION)
        return SGN_ERROR(pool, SGN_WIRE_SKEW, "message version %" APR_INT64_T_FMT, version);
    return NULL;
}

sgn_error_t *sgn_wire_receive(sgn_wire_message_t **out, int socket,
                              apr_interval_time_t wait, apr_pool_t *pool)
{
    apr_time_t until = sgn_clock_monotonic() + (wait > 0 ? wait : 0);
    char buffer[SGN_WIRE_INLINE];
    struct iovec vec = { .iov_base = buffer, .iov_len = sizeof buffer };
    control_t control;
    struct msghdr msg;
    int fds[FDS], nfds;
    sgn_wire_message_t *message;
    sgn_error_t *error;
    ssize_t n;

    for (;;) {
        memset(&msg, 0, sizeof msg);
        msg.msg_iov = &vec;
        msg.msg_iovlen = 1;
        msg.msg_control = &control;
        msg.msg_controllen = sizeof control;
        n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC | (wait >= 0 ? MSG_DONTWAIT : 0));
        if (n >= 0)
            break;
        if (errno == EINTR)
            continue;
        if (errno == ECONNRESET) {
            n = 0;
            msg.msg_controllen = 0;
            break;
        }
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            return SGN_ERROR_ERRNO(pool, SGN_WIRE, "recvmsg");
        SGN_TRY(wait_for(socket, POLLIN, wait, until, pool));
    }
    nfds = adopt(fds, &msg, pool);
    if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        drop(fds, nfds, pool);
        return SGN_ERROR(pool, SGN_WIRE, "a message longer than allowed");
    }
    if (n == 0) {
        drop(fds, nfds, pool);
        *out = NULL;
        return NULL;
    }
    message = apr_pcalloc(pool, sizeof *message);
    error = decode(message, buffer, (size_t)n, fds, nfds, pool);
    if (error) {
        drop(fds, nfds, pool);
        return error;
    }
    *out = message;
    return NULL;
}

sgn_error_t *sgn_wire_connect(int *out, const char *path, apr_interval_time_t wait, apr_pool_t *pool)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct timeval limit = { .tv_sec = wait / APR_USEC_PER_SEC, .tv_usec = wait % APR_USEC_PER_SEC };
    int fd;

    if (strlen(path) >= sizeof address.sun_path)
        return SGN_ERROR(pool, SGN_KEEPER_ABSENT, "the socket path is longer than %d",
                         (int)sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return SGN_ERROR_ERRNO(pool, SGN_KEEPER_ABSENT, "socket");
    sgn_pool_own_fd(pool, fd);
    /* A full backlog must not hold a request thread: SO_SNDTIMEO bounds connect(2). */
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    while (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        if (errno == EINTR)
            continue;
        if (errno == EAGAIN) {
            sgn_pool_close_fd(pool, fd);
            return SGN_ERROR(pool, SGN_BUSY, "the queue of the keeper's socket is full");
        }
        sgn_pool_close_fd(pool, fd);
        return SGN_ERROR_ERRNO(pool, SGN_KEEPER_ABSENT, "connect");
    }
    *out = fd;
    return NULL;
}

sgn_error_t *sgn_wire_peer(uid_t *uid, pid_t *pid, int socket, apr_pool_t *pool)
{
    struct ucred peer;
    socklen_t len = sizeof peer;

    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return SGN_ERROR_ERRNO(pool, SGN_WIRE, "SO_PEERCRED");
    *uid = peer.uid;
    if (pid)
        *pid = peer.pid;
    return NULL;
}
