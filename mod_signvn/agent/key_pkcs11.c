/*
 * key_pkcs11.c: USB tokens through their vendor's PKCS#11 module.
 *
 * [PKCS#11 2.40]  What vendors' modules get wrong decides the shape: sessions
 * are read-only, certificates are listed before the login, sizes that come
 * back as 0 are tried again with fixed buffers, the digest is always wrapped
 * by us, and C_Initialize is called once in a process that then ends.
 */
#include <stdio.h>
#include <string.h>

#include <p11-kit/pkcs11.h>

#include "agent/key.h"
#include "agent/leaf.h"
#include "agent/outcome.h"
#include "agent/platform.h"
#include "dtbs/der.h"
#include "dtbs/encode.h"

#define SLOTS 32
#define OBJECTS 64
#define ID_SIZE 256

typedef struct {
    CK_FUNCTION_LIST_PTR call;
    CK_SLOT_ID slots[SLOTS];
    CK_ULONG nslots;
} module_t;

/* A certificate object as found, with what leads to its key. */
typedef struct {
    unsigned char id[ID_SIZE];
    CK_ULONG id_len;
    unsigned char certificate[SGN_KEY_CERTIFICATE];
    CK_ULONG certificate_len;
} object_t;

static int outcome_of(CK_RV rv, const char *what)
{
    static const struct { CK_RV rv; int code; } rows[] = {
        { CKR_PIN_INCORRECT, SGN_PIN_INCORRECT }, { CKR_PIN_INVALID, SGN_PIN_INCORRECT },
        { CKR_PIN_LEN_RANGE, SGN_PIN_INCORRECT }, { CKR_PIN_LOCKED, SGN_PIN_LOCKED },
        { CKR_PIN_EXPIRED, SGN_PIN_LOCKED },
        { CKR_TOKEN_NOT_PRESENT, SGN_TOKEN_REMOVED }, { CKR_DEVICE_REMOVED, SGN_TOKEN_REMOVED },
        { CKR_SESSION_HANDLE_INVALID, SGN_TOKEN_REMOVED }, { CKR_SESSION_CLOSED, SGN_TOKEN_REMOVED },
        { CKR_TOKEN_NOT_RECOGNIZED, SGN_TOKEN_REMOVED },
        { CKR_FUNCTION_CANCELED, SGN_USER_DECLINED }, { CKR_FUNCTION_REJECTED, SGN_USER_DECLINED },
        { CKR_MECHANISM_INVALID, SGN_MECHANISM }, { CKR_MECHANISM_PARAM_INVALID, SGN_MECHANISM },
        { CKR_KEY_TYPE_INCONSISTENT, SGN_MECHANISM }, { CKR_KEY_FUNCTION_NOT_PERMITTED, SGN_MECHANISM },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].rv == rv)
            return sgn_outcome(rows[i].code, "%s: 0x%lx", what, rv);
    return sgn_outcome(SGN_TOKEN_FAILED, "%s: 0x%lx", what, rv);
}

static int open_module(module_t *out, const char *path)
{
    CK_C_GetFunctionList get;
    void *module, *symbol;
    CK_RV rv;

    SGN_STEP(sgn_platform_trusted(path));
    module = sgn_platform_module(path);
    if (!module)
        return sgn_outcome(SGN_AGENT_PROGRAM, "%s cannot be loaded", path);
    symbol = sgn_platform_symbol(module, "C_GetFunctionList");
    memcpy(&get, &symbol, sizeof get);
    if (!symbol || get(&out->call) != CKR_OK || !out->call)
        return sgn_outcome(SGN_AGENT_PROGRAM, "%s is no PKCS#11 module", path);
    rv = out->call->C_Initialize(NULL);
    if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
        return outcome_of(rv, "initialize");
    out->nslots = SLOTS;
    rv = out->call->C_GetSlotList(CK_TRUE, out->slots, &out->nslots);
    if (rv != CKR_OK || out->nslots > SLOTS)
        return outcome_of(rv, "slots");
    return SGN_DONE;
}

/* Fixed-width, blank-padded text of a token. */
static void trim(char *out, size_t cap, const unsigned char *text, size_t len)
{
    while (len && (text[len - 1] == ' ' || text[len - 1] == '\0'))
        len--;
    if (len >= cap)
        len = cap - 1;
    memcpy(out, text, len);
    out[len] = '\0';
    if (!sgn_encode_is_utf8(out, len))
        for (size_t i = 0; i < len; i++)
            if ((unsigned char)out[i] >= 0x80)
                out[i] = '?';
}

/* Straight into a fixed buffer: some modules answer a size query with 0. */
static CK_ULONG attribute(const module_t *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                          CK_ATTRIBUTE_TYPE type, void *out, CK_ULONG cap)
{
    CK_ATTRIBUTE wanted = { type, out, cap };

    if (module->call->C_GetAttributeValue(session, object, &wanted, 1) != CKR_OK
        || wanted.ulValueLen == CK_UNAVAILABLE_INFORMATION || wanted.ulValueLen > cap)
        return 0;
    return wanted.ulValueLen;
}

static CK_RV find(CK_OBJECT_HANDLE *found, CK_ULONG *count, const module_t *module, CK_SESSION_HANDLE session,
                  CK_ATTRIBUTE *wanted, CK_ULONG nwanted)
{
    CK_RV rv = module->call->C_FindObjectsInit(session, wanted, nwanted);
    CK_ULONG n = 0;

    *count = 0;
    if (rv != CKR_OK)
        return rv;
    /* some modules give one object per call whatever is asked */
    while (*count < OBJECTS) {
        rv = module->call->C_FindObjects(session, found + *count, OBJECTS - *count, &n);
        if (rv != CKR_OK || n == 0)
            break;
        *count += n;
    }
    module->call->C_FindObjectsFinal(session);
    return rv;
}

static CK_RV certificates(CK_OBJECT_HANDLE *found, CK_ULONG *count, const module_t *module, CK_SESSION_HANDLE session)
{
    CK_OBJECT_CLASS class_ = CKO_CERTIFICATE;
    CK_CERTIFICATE_TYPE type = CKC_X_509;
    CK_ATTRIBUTE wanted[] = { { CKA_CLASS, &class_, sizeof class_ }, { CKA_CERTIFICATE_TYPE, &type, sizeof type } };

    return find(found, count, module, session, wanted, 2);
}

static int read_object(object_t *out, const module_t *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle)
{
    out->certificate_len = attribute(module, session, handle, CKA_VALUE, out->certificate, sizeof out->certificate);
    out->id_len = attribute(module, session, handle, CKA_ID, out->id, sizeof out->id);
    return out->certificate_len > 0;
}

static int has_mechanism(const module_t *module, CK_SLOT_ID slot, CK_MECHANISM_TYPE type)
{
    CK_MECHANISM_INFO info;

    return module->call->C_GetMechanismInfo(slot, type, &info) == CKR_OK && info.flags & CKF_SIGN;
}

static void describe(sgn_key_credential_t *out, const module_t *module, CK_SLOT_ID slot, const CK_TOKEN_INFO *token)
{
    trim(out->label, sizeof out->label, token->label, sizeof token->label);
    trim(out->serial, sizeof out->serial, token->serialNumber, sizeof token->serialNumber);
    out->protected_path = (token->flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0;
    out->pin_low = (token->flags & CKF_USER_PIN_COUNT_LOW) != 0;
    out->pin_final = (token->flags & CKF_USER_PIN_FINAL_TRY) != 0;
    out->pin_locked = (token->flags & CKF_USER_PIN_LOCKED) != 0;
    out->algorithms = 0;
    if (has_mechanism(module, slot, CKM_RSA_PKCS_PSS))
        out->algorithms |= 1u << SGN_KEY_PSS;
    if (has_mechanism(module, slot, CKM_RSA_PKCS))
        out->algorithms |= 1u << SGN_KEY_RSA;
    if (has_mechanism(module, slot, CKM_ECDSA))
        out->algorithms |= 1u << SGN_KEY_ECDSA;
}

/* Fills the certificate's part; 0 when it is nothing a person signs with. */
static int adopt(sgn_key_credential_t *out, const object_t *object)
{
    sgn_leaf_t leaf;

    if (sgn_leaf_read(&leaf, object->certificate, object->certificate_len) || leaf.ca)
        return 0;
    if (leaf.rsa)
        out->algorithms &= 1u << SGN_KEY_PSS | 1u << SGN_KEY_RSA;
    else if (leaf.ec)
        out->algorithms &= 1u << SGN_KEY_ECDSA;
    else
        return 0;
    out->bits = leaf.bits;
    memcpy(out->common_name, leaf.common_name, sizeof out->common_name);
    memcpy(out->certificate, object->certificate, object->certificate_len);
    out->certificate_len = object->certificate_len;
    return out->algorithms
        && !sgn_primitives_sha256(out->sha256, sgn_platform_primitives(), out->certificate, out->certificate_len)
        && !sgn_encode_base64url(out->id, sizeof out->id, out->sha256, sizeof out->sha256);
}

/* A software token is for practice only  (THREATS B33). */
static int usable(const CK_TOKEN_INFO *token)
{
#ifndef SGN_PRACTICE
    if (memcmp(token->manufacturerID, "SoftHSM", 7) == 0 || memcmp(token->model, "SoftHSM", 7) == 0) {
        sgn_outcome_log("a software token is not used outside practice");
        return 0;
    }
#endif
    return (token->flags & CKF_TOKEN_INITIALIZED) != 0;
}

/* Calls `each` for every certificate of every token, before any login; it
 * returns 1 to stop there with its session left open. */
typedef int (*each_fn)(void *context, const module_t *module, CK_SESSION_HANDLE session,
                       const sgn_key_credential_t *credential, const object_t *object);

static int walk(const module_t *module, const char *path, each_fn each, void *context)
{
    static object_t object;                 /* too large for a small stack */
    static sgn_key_credential_t credential;

    for (CK_ULONG i = 0; i < module->nslots; i++) {
        CK_TOKEN_INFO token;
        CK_SESSION_HANDLE session;
        CK_OBJECT_HANDLE found[OBJECTS];
        CK_ULONG count = 0;

        if (module->call->C_GetTokenInfo(module->slots[i], &token) != CKR_OK || !usable(&token))
            continue;
        if (module->call->C_OpenSession(module->slots[i], CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK)
            continue;
        certificates(found, &count, module, session);
        for (CK_ULONG k = 0; k < count; k++) {
            memset(&credential, 0, sizeof credential);
            describe(&credential, module, module->slots[i], &token);
            snprintf(credential.module, sizeof credential.module, "%s", path);
            if (read_object(&object, module, session, found[k]) && adopt(&credential, &object)
                && each(context, module, session, &credential, &object))
                return 1;
        }
        module->call->C_CloseSession(session);
    }
    return 0;
}

/* ---- list ---------------------------------------------------------------- */

static int add_to_list(void *context, const module_t *module, CK_SESSION_HANDLE session,
                       const sgn_key_credential_t *credential, const object_t *object)
{
    sgn_key_list_t *list = context;

    (void)module, (void)session, (void)object;
    for (unsigned i = 0; i < list->count; i++)
        if (strcmp(list->items[i].id, credential->id) == 0)
            return 0;
    if (list->count == SGN_KEY_MAX)
        return 1;
    list->items[list->count++] = *credential;
    return 0;
}

static int list_tokens(sgn_key_list_t *list, const char *path)
{
    module_t module;

    SGN_STEP(open_module(&module, path));
    walk(&module, path, add_to_list, list);
    return SGN_DONE;
}

/* ---- sign ---------------------------------------------------------------- */

typedef struct {
    sgn_key_work_t *work;
    const module_t *module;
    CK_SESSION_HANDLE session;
    sgn_key_credential_t now;       /* the token as it is at this moment */
    unsigned char id[ID_SIZE];
    CK_ULONG id_len;
    CK_OBJECT_HANDLE key;
    CK_BBOOL always;                /* CKA_ALWAYS_AUTHENTICATE */
    unsigned char *pin;
    size_t pin_len;
} signing_t;

static int is_wanted(void *context, const module_t *module, CK_SESSION_HANDLE session,
                     const sgn_key_credential_t *credential, const object_t *object)
{
    signing_t *signing = context;

    if (memcmp(credential->sha256, signing->work->credential.sha256, SGN_SHA256_SIZE) != 0)
        return 0;
    signing->module = module;
    signing->session = session;
    signing->now = *credential;
    memcpy(signing->id, object->id, object->id_len);
    signing->id_len = object->id_len;
    return 1;
}

#define PIN_SIZE 256

static CK_RV login(signing_t *signing, CK_USER_TYPE user)
{
    CK_FUNCTION_LIST_PTR call = signing->module->call;

    if (signing->now.protected_path)
        return call->C_Login(signing->session, user, NULL, 0);
    return call->C_Login(signing->session, user, signing->pin, (CK_ULONG)signing->pin_len);
}

/* Asks once and logs in once; a wrong password is never tried again. */
static int authorise(signing_t *signing)
{
    CK_RV rv;

    if (signing->now.pin_locked)
        return sgn_outcome(SGN_PIN_LOCKED, "the token says so");
    if (!signing->now.protected_path)
        SGN_STEP(signing->work->ask(signing->work, &signing->now, signing->pin, PIN_SIZE, &signing->pin_len));
    rv = login(signing, CKU_USER);
    if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
        return outcome_of(rv, "login");
    return SGN_DONE;
}

static int find_key(signing_t *signing)
{
    CK_OBJECT_CLASS class_ = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE wanted[] = { { CKA_CLASS, &class_, sizeof class_ }, { CKA_ID, signing->id, signing->id_len } };
    CK_OBJECT_HANDLE found[OBJECTS];
    CK_ULONG count;
    CK_RV rv = find(found, &count, signing->module, signing->session, wanted, signing->id_len ? 2 : 1);

    if (rv != CKR_OK)
        return outcome_of(rv, "private keys");
    /* an empty CKA_ID leads to the key only when there is exactly one */
    if (count != 1)
        return sgn_outcome(SGN_TOKEN_FAILED, "%lu private keys for the certificate", count);
    signing->key = found[0];
    signing->always = CK_FALSE;
    attribute(signing->module, signing->session, signing->key, CKA_ALWAYS_AUTHENTICATE,
              &signing->always, sizeof signing->always);
    return SGN_DONE;
}

static int sign_one(signing_t *signing, unsigned n)
{
    /* [RFC 8017, 9.2] DigestInfo of SHA-256 */
    static const unsigned char info[] = {
        0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20
    };
    CK_FUNCTION_LIST_PTR call = signing->module->call;
    CK_RSA_PKCS_PSS_PARAMS pss = { CKM_SHA256, CKG_MGF1_SHA256, 32 };
    CK_MECHANISM mechanism = { CKM_ECDSA, NULL, 0 };
    unsigned char input[sizeof info + SGN_SHA256_SIZE], value[SGN_KEY_VALUE], der[160];
    unsigned char *data = signing->work->digests[n];
    CK_ULONG data_len = SGN_SHA256_SIZE, value_len = sizeof value;
    size_t der_len;
    CK_RV rv;

    if (signing->work->algorithm == SGN_KEY_PSS) {
        mechanism = (CK_MECHANISM){ CKM_RSA_PKCS_PSS, &pss, sizeof pss };
    } else if (signing->work->algorithm == SGN_KEY_RSA) {
        mechanism = (CK_MECHANISM){ CKM_RSA_PKCS, NULL, 0 };
        memcpy(input, info, sizeof info);
        memcpy(input + sizeof info, data, SGN_SHA256_SIZE);
        data = input;
        data_len = sizeof input;
    }
    rv = call->C_SignInit(signing->session, &mechanism, signing->key);
    if (rv != CKR_OK)
        return outcome_of(rv, "sign start");
    if (signing->always) {
        rv = login(signing, CKU_CONTEXT_SPECIFIC);
        if (rv != CKR_OK)
            return outcome_of(rv, "login for one signature");
    }
    rv = call->C_Sign(signing->session, data, data_len, value, &value_len);
    if (rv != CKR_OK)
        return outcome_of(rv, "sign");
    if (value_len == 0 || value_len > sizeof value)
        return sgn_outcome(SGN_TOKEN_FAILED, "a signature of %lu bytes", value_len);
    if (signing->work->algorithm != SGN_KEY_ECDSA) {
        signing->work->signed_one(signing->work, n, value, value_len);
        return SGN_DONE;
    }
    /* tokens give r then s; CMS wants DER  [RFC 3279, 2.2.3] */
    if (value_len != SGN_P256_SIGNATURE || sgn_der_from_rs(der, sizeof der, &der_len, value, 32))
        return sgn_outcome(SGN_TOKEN_FAILED, "an ECDSA value of %lu bytes", value_len);
    signing->work->signed_one(signing->work, n, der, der_len);
    return SGN_DONE;
}

static int sign_all(signing_t *signing)
{
    SGN_STEP(authorise(signing));
    SGN_STEP(find_key(signing));
    if (!signing->always) {
        sgn_platform_wipe(signing->pin, PIN_SIZE);
        signing->pin_len = 0;
    }
    signing->work->authorised(signing->work);
    for (unsigned i = 0; i < signing->work->count; i++)
        SGN_STEP(sign_one(signing, i));
    return SGN_DONE;
}

static int sign_work(sgn_key_work_t *work)
{
    static signing_t signing;
    module_t module;
    int result;

    memset(&signing, 0, sizeof signing);
    signing.work = work;
    SGN_STEP(open_module(&module, work->credential.module));
    if (!walk(&module, work->credential.module, is_wanted, &signing))
        return sgn_outcome(SGN_TOKEN_ABSENT, "no token has this certificate");
    if (!(signing.now.algorithms & 1u << work->algorithm))
        return sgn_outcome(SGN_MECHANISM, "%s", sgn_key_algorithm_oid(work->algorithm));
    signing.pin = sgn_platform_secret(PIN_SIZE);
    if (!signing.pin)
        return sgn_outcome(SGN_INTERNAL, "no memory for the password");
    result = sign_all(&signing);
    sgn_platform_secret_free(signing.pin, PIN_SIZE);
    module.call->C_Logout(signing.session);
    module.call->C_CloseSession(signing.session);
    return result;
}

const sgn_key_plug_t sgn_key_pkcs11 = {
    .name = "pkcs11",
    .list = list_tokens,
    .sign = sign_work,
};
