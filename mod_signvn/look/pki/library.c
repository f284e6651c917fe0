/* library.c: a provider that shows a part of the default one. */
#include "look/pki/library.h"

#include <pthread.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>

#define KEPT 16

static OSSL_LIB_CTX *context;
static OSSL_PROVIDER *whole;
static OSSL_ALGORITHM decoders[KEPT + 1], key_managers[KEPT + 1];

/* Names are lists: "RSA:rsaEncryption:1.2.840.113549.1.1.1". */
static int is_named(const char *names, const char *name)
{
    size_t len = strlen(name);

    return strncmp(names, name, len) == 0 && (names[len] == ':' || names[len] == 0);
}

static int is_kept(const OSSL_ALGORITHM *row, int operation)
{
    const char *names = row->algorithm_names, *properties = row->property_definition;

    if (!is_named(names, "RSA") && !is_named(names, "RSA-PSS") && !is_named(names, "EC"))
        return 0;
    return operation == OSSL_OP_KEYMGMT || (strstr(properties, "input=der") && strstr(properties, "SubjectPublicKeyInfo"));
}

/* Once: query() is called from any thread. */
static void choose(OSSL_ALGORITHM *out, int operation)
{
    int count = 0, no_cache = 0;
    const OSSL_ALGORITHM *rows = OSSL_PROVIDER_query_operation(whole, operation, &no_cache);

    for (; rows && rows->algorithm_names && count < KEPT; rows++)
        if (is_kept(rows, operation))
            out[count++] = *rows;
}

static const OSSL_ALGORITHM *query(void *provctx, int operation, int *no_cache)
{
    (void)provctx;
    *no_cache = 0;
    if (operation == OSSL_OP_DECODER)
        return decoders;
    if (operation == OSSL_OP_KEYMGMT)
        return key_managers;
    if (operation == OSSL_OP_ENCODER || operation == OSSL_OP_STORE)
        return NULL;
    return OSSL_PROVIDER_query_operation(whole, operation, no_cache);
}

static int init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **provctx)
{
    static const OSSL_DISPATCH functions[] = { { OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query }, { 0, NULL } };

    (void)handle;
    (void)in;
    *out = functions;
    *provctx = OSSL_PROVIDER_get0_provider_ctx(whole);     /* the rows are its own */
    return 1;
}

static void make(void)
{
    whole = OSSL_PROVIDER_load(NULL, "default");
    if (whole) {
        choose(decoders, OSSL_OP_DECODER);
        choose(key_managers, OSSL_OP_KEYMGMT);
    }
    context = whole ? OSSL_LIB_CTX_new() : NULL;
    if (context && OSSL_PROVIDER_add_builtin(context, "signvn-keys", init) && OSSL_PROVIDER_load(context, "signvn-keys"))
        return;
    OSSL_LIB_CTX_free(context);
    context = NULL;
}

OSSL_LIB_CTX *sgn_library_context(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make);
    return context;
}
