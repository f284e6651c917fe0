/*
 * A keeper that only mirrors: it answers every operation with the request as
 * it arrived, and the digests of the documents.  For the tests of the module
 * alone, which must not depend on what the keeper can do.
 *
 * Arguments that change its behaviour: code=NAME (refuse), die=1 (end before
 * the answer, once per life of the server), sleep=SECONDS.  jobs.get of an id
 * that begins with "slow" is "offered" for its first three calls, then "done".
 * archive.original gives content: id "one" in one part, "two" in two parts.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <openssl/evp.h>

#include "base/file.h"
#include "wire/config.h"
#include "wire/wire.h"

static int calls, generation;
static char died[4096];

static const char *argument(const json_t *request, const char *name)
{
    return json_string_value(json_object_get(json_object_get(request, "args"), name));
}

static json_t *mirror(const sgn_wire_message_t *message, apr_pool_t *pool)
{
    json_t *body = json_deep_copy(message->json), *documents = json_object_get(body, "documents"), *document;
    size_t i;

    json_array_foreach(documents, i, document) {
        sgn_bytes_t bytes;
        unsigned char digest[32];

        if ((int)i >= message->nfds || sgn_file_read_fd(&bytes, message->fds[i], 64 << 20, pool))
            continue;
        EVP_Digest(bytes.data, bytes.len, digest, NULL, EVP_sha256(), NULL);
        sgn_json_set_str(document, "sha256", sgn_bytes_hex(sgn_bytes(digest, 32), pool));
    }
    sgn_json_set_int(body, "descriptors", message->nfds);
    sgn_json_set_int(body, "pid", getppid());
    sgn_json_set_int(body, "generation", generation);
    return body;
}

static void content(sgn_wire_message_t *answer, const char *id, apr_pool_t *pool)
{
    const char *texts[] = { "0123456789", "abcdefghij" };
    int n = id && strcmp(id, "two") == 0 ? 2 : 1;
    json_t *object = json_object(), *parts = json_array();

    for (int i = 0; i < n; i++) {
        json_t *part = json_object();

        if (sgn_file_memfd(&answer->fds[answer->nfds], "part", sgn_bytes_str(texts[i]), pool))
            exit(1);
        sgn_json_set_int(part, "fd", answer->nfds++);
        sgn_json_set_int(part, "offset", 0);
        sgn_json_set_int(part, "length", 10);
        json_array_append_new(parts, part);
    }
    sgn_json_set_str(object, "type", "application/pdf");
    sgn_json_set_str(object, "name", "văn bản.pdf");
    sgn_json_set_str(object, "etag", "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882");
    json_object_set_new(object, "parts", parts);
    json_object_set_new(answer->json, "content", object);
}

static void answer_one(int socket, apr_pool_t *pool)
{
    sgn_wire_message_t *message, answer = { .json = json_object() };
    const char *op, *code, *id;
    json_t *body;

    if (sgn_wire_receive(&message, socket, apr_time_from_sec(5), pool) || !message)
        return;
    op = json_string_value(json_object_get(message->json, "op"));
    code = argument(message->json, "code");
    id = argument(message->json, "id");
    if (argument(message->json, "sleep"))
        sleep((unsigned)atoi(argument(message->json, "sleep")));
    if (argument(message->json, "die") && open(died, O_CREAT | O_EXCL | O_WRONLY, 0600) >= 0) {
        kill(getppid(), SIGKILL);
        _exit(0);
    }
    sgn_json_set_int(answer.json, "v", SGN_WIRE_VERSION);
    sgn_json_set_int(answer.json, "status", 200);
    if (code) {
        sgn_json_set_int(answer.json, "status", sgn_error_find(code) ? sgn_error_find(code)->status : 500);
        sgn_json_set_str(answer.json, "code", code);
    }
    else if (strcmp(op, "archive.original") == 0) {
        content(&answer, id, pool);
    }
    else {
        body = mirror(message, pool);
        if (strcmp(op, "jobs.get") == 0)
            sgn_json_set_str(body, "state", id && strncmp(id, "slow", 4) == 0 && calls < 3 ? "offered" : "done");
        if (strcmp(op, "jobs.create") == 0)
            sgn_json_set_int(answer.json, "status", 201);
        json_object_set_new(answer.json, "body", body);
    }
    (void)sgn_wire_send(socket, &answer, apr_time_from_sec(2), pool);
}

/* Configurations are taken by the first process, the rest by children. */
static void serve(int socket, apr_pool_t *pool)
{
    char head[4096];
    ssize_t n = recv(socket, head, sizeof head - 1, MSG_PEEK);

    head[n > 0 ? n : 0] = '\0';
    if (strstr(head, "\"op\":\"config\"")) {
        generation++;
        answer_one(socket, pool);
        return;
    }
    if (strstr(head, "\"id\":\"slow"))
        calls++;
    if (fork() == 0) {
        answer_one(socket, pool);
        _exit(0);
    }
}

int main(int argc, char **argv)
{
    apr_pool_t *pool;
    sgn_bytes_t text;
    sgn_config_t *config;
    json_t *json;
    sgn_error_t *error;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    error = sgn_file_read_fd(&text, 4, 1 << 20, pool);
    if (!error)
        error = sgn_json_parse(&json, text, 1 << 20, pool);
    if (!error)
        error = sgn_config_decode(&config, json, pool);
    if (!error)
        error = sgn_config_check(config, pool);
    dprintf(5, "%s%s\n", error ? "E " : "R", error ? sgn_error_chain(error, pool) : "");
    close(5);
    if (error || (argc > 1 && strcmp(argv[1], "--check") == 0))
        return error != NULL;
    apr_snprintf(died, sizeof died, "%s/died", sgn_config_text(config, "SignVNStateDir"));
    signal(SIGCHLD, SIG_IGN);
    generation = 1;
    fcntl(3, F_SETFL, 0);
    for (;;) {
        int socket = accept4(3, NULL, NULL, SOCK_CLOEXEC);
        apr_pool_t *one;

        if (socket < 0)
            continue;
        apr_pool_create(&one, pool);
        serve(socket, one);
        close(socket);
        apr_pool_destroy(one);
    }
}
