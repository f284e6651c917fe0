/* test_services.c: certificates and time-stamps through engine, sandboxed
 * workers and the network, against the practice services and their faults.
 * A13, B24, B25; SV-E13.  [issue: TSA or OCSP down, revoked, on hold, unknown root] */
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/file.h"
#include "office/engine/engine_room.h"
#include "office/engine/spawn.h"
#include "office/evidence/evidence.h"
#include "t/unit/tap.h"
#include "t/unit/scratch.h"

static const char *dir;
static sgn_engine_t *engine;
static int root = -1;

static int run(const char *program, const char *a, const char *b, const char *c)
{
    const char *source = getenv("SGN_SRCDIR");
    const char *path = apr_pstrcat(tap_pool(), source ? source : ".", "/scripts/", program, NULL);
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        dup2(open("/dev/null", O_WRONLY), 1);
        execl(path, program, dir, a, b, c, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0), port = 0;

    if (bind(fd, (void *)&address, sizeof address) == 0 && getsockname(fd, (void *)&address, &len) == 0)
        port = ntohs(address.sin_port);
    close(fd);
    return port;
}

static void fault(const char *name, int on)
{
    const char *path = apr_pstrcat(tap_pool(), "faults/", name, NULL);

    if (on)
        (void)!sgn_file_write(root, path, sgn_bytes(NULL, 0), 0644, tap_pool());
    else
        (void)!sgn_file_remove(root, path, tap_pool());
}

static void certificate(const char *name, const char *role, const char *want, const char *when)
{
    sgn_bytes_t der = { NULL, 0 };
    json_t *answer = NULL;
    sgn_error_t *error = sgn_file_read(&der, root, apr_psprintf(tap_pool(), "certs/%s.der", name), 1 << 16, tap_pool());

    if (!error)
        error = sgn_engine_certificate(&answer, engine, der, role, tap_pool());
    if (!is(error ? sgn_error_row(error->code)->name : "good", want, apr_psprintf(tap_pool(), "services: %s as %s %s", name, role, when)) && error)
        printf("# %s\n", sgn_error_chain(error, tap_pool()));
}

static void stamp(const char *want, const char *when)
{
    static const unsigned char imprint[32] = "some digest";
    sgn_bytes_t token;
    apr_time_t time;
    sgn_error_t *error = sgn_engine_timestamp(&token, &time, engine, imprint, tap_pool());

    if (!is(error ? sgn_error_row(error->code)->name : "good", want, apr_psprintf(tap_pool(), "services: a time-stamp %s", when)) && error)
        printf("# %s\n", sgn_error_chain(error, tap_pool()));
}

static sgn_config_t *configure(int port)
{
    json_t *json = sgn_json_object(tap_pool()), *server = sgn_json_object(tap_pool()), *hosts = sgn_json_array(tap_pool());
    sgn_config_t *config = NULL;

    sgn_json_set_int(json, "v", 1);
    sgn_json_set_str(json, "build", SGN_BUILD);
    sgn_json_set_int(json, "generation", 1);
    sgn_json_set_int(json, "httpd_uid", 0);
    sgn_json_set(json, "server", server);
    sgn_json_set(json, "agencies", sgn_json_array(tap_pool()));
    json_array_append_new(hosts, json_string(apr_psprintf(tap_pool(), "127.0.0.1:%d", port)));
    sgn_json_set(server, "SignVNEvidenceHosts", hosts);
    sgn_json_set_str(server, "SignVNTimestamp", apr_psprintf(tap_pool(), "http://127.0.0.1:%d/tsa", port));
    sgn_json_set_str(server, "SignVNTimestampPolicy", "2.16.704.2.1");
    sgn_json_set_str(server, "SignVNTrustAnchors", apr_pstrcat(tap_pool(), dir, "/anchors.pem", NULL));
    sgn_json_set_str(server, "SignVNIntermediates", apr_pstrcat(tap_pool(), dir, "/intermediates.pem", NULL));
    sgn_json_set_str(server, "SignVNTimestampAnchors", apr_pstrcat(tap_pool(), dir, "/tsa-anchors.pem", NULL));
    is_code(sgn_config_decode(&config, json, tap_pool()), SGN_OK, "services: a configuration");
    return config;
}

static void without_lists(void)
{
    static const char *const faults[] = { "crl.off", "crl.old", "crl.stranger", "crl.garbage", "crl.redirect" };

    fault("ocsp.off", 1);
    for (int i = 0; i < 5; i++) {
        fault(faults[i], 1);
        certificate("authority", "person", "certificate.status-unknown", faults[i]);
        fault(faults[i], 0);
    }
    fault("ocsp.off", 0);
}

static void without_ocsp(void)
{
    static const char *const faults[] = { "ocsp.off", "ocsp.error", "ocsp.garbage", "ocsp.redirect", "ocsp.replay", "ocsp.old", "ocsp.stranger", "ocsp.later" };

    for (int i = 0; i < 8; i++) {
        fault(faults[i], 1);
        certificate("authority", "person", "good", apr_pstrcat(tap_pool(), "by the list: ", faults[i], NULL));
        certificate("revoked", "person", "certificate.revoked", apr_pstrcat(tap_pool(), "by the list: ", faults[i], NULL));
        fault(faults[i], 0);
    }
}

static void bad_stamps(void)
{
    static const struct { const char *fault, *want; } rows[] = {
        { "tsa.off", "timestamp.unavailable" }, { "tsa.error", "timestamp.unavailable" }, { "tsa.redirect", "timestamp.unavailable" },
        { "tsa.garbage", "timestamp.refused" }, { "tsa.replay", "timestamp.refused" }, { "tsa.nonce", "timestamp.refused" },
        { "tsa.imprint", "timestamp.refused" }, { "tsa.refuse", "timestamp.refused" }, { "tsa.stranger", "timestamp.refused" },
    };

    stamp("good", "is given");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fault(rows[i].fault, 1);
        stamp(rows[i].want, rows[i].fault);
        fault(rows[i].fault, 0);
    }
    stamp("good", "is given again");
}

int main(void)
{
    const char *programs = getenv("SGN_PROGRAMS") ? getenv("SGN_PROGRAMS") : getenv("SGN_BUILDDIR");
    const char *port_text;
    sgn_evidence_t *evidence = NULL;
    sgn_config_t *config;
    int control = -1, port = free_port();
    pid_t zygote = 0;

    port_text = apr_itoa(tap_pool(), port);
    dir = scratch_dir();
    if (!ok(run("practice-pki", "--port", port_text, NULL) == 0, "services: a practice PKI is made")
        || !ok(run("practice-services", "start", NULL, NULL) == 0, "services: its services start")
        || sgn_file_root(&root, dir, tap_pool()) || sgn_file_mkdir(root, "faults", 0755, tap_pool()))
        return EXIT_FAILURE;
    config = configure(port);
    is_code(sgn_spawn_zygote(&control, &zygote, programs ? programs : ".", tap_pool()), SGN_OK, "services: workers");
    is_code(sgn_evidence_make(&evidence, config, root, tap_pool()), SGN_OK, "services: evidence");
    if (is_code(sgn_engine_make(&engine, config, evidence, control, tap_pool()), SGN_OK, "services: the engine")) {
        without_lists();
        certificate("authority", "person", "good", "now");
        certificate("deputy", "person", "good", "now");
        certificate("seal-a", "agency", "good", "now");
        certificate("seal-a", "person", "certificate.purpose", "now");
        certificate("expired", "person", "certificate.expired", "now");
        certificate("future", "person", "certificate.expired", "now");
        certificate("revoked", "person", "certificate.revoked", "now");
        certificate("held", "person", "certificate.on-hold", "now");
        certificate("foreign", "person", "certificate.untrusted", "of an unknown root");
        certificate("device", "person", "certificate.purpose", "now");
        bad_stamps();
        without_ocsp();
    }
    close(control);
    (void)run("practice-services", "stop", NULL, NULL);
    return done_testing();
}
