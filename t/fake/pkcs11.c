/*
 * pkcs11.c: a PKCS#11 module that misbehaves as vendors' modules do, in front
 * of a real one.  SGN_FAULT_MODULE names the real module, SGN_FAULT one
 * behaviour, SGN_FAULT_PIN the PIN behind a pad; SGN_FAULT_LOG gets a line per
 * call.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

static CK_FUNCTION_LIST_PTR real;
static CK_FUNCTION_LIST fake;
static int asked, signatures;

static int is(const char *behaviour)
{
    const char *fault = getenv("SGN_FAULT");

    return fault && strcmp(fault, behaviour) == 0;
}

static void note(const char *what, unsigned long detail)
{
    const char *path = getenv("SGN_FAULT_LOG");
    FILE *log = path ? fopen(path, "a") : NULL;

    if (!log)
        return;
    fprintf(log, "%s %lu\n", what, detail);
    fclose(log);
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info)
{
    CK_RV rv = real->C_GetTokenInfo(slot, info);

    if (is("locked"))
        info->flags |= CKF_USER_PIN_LOCKED;
    if (is("low"))
        info->flags |= CKF_USER_PIN_COUNT_LOW;
    if (is("final"))
        info->flags |= CKF_USER_PIN_FINAL_TRY;
    if (is("pad"))
        info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
    if (is("anonymous")) {
        memset(info->manufacturerID, ' ', sizeof info->manufacturerID);
        memset(info->model, ' ', sizeof info->model);
    }
    /* a label that would like to talk to pinentry  (B16) */
    if (is("label"))
        memcpy(info->label, "x\nSETPROMPT evil\nOPTION a%0Ab    ", 32);
    return rv;
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR application, CK_NOTIFY notify,
                          CK_SESSION_HANDLE_PTR session)
{
    note("open", flags);
    if (flags & CKF_RW_SESSION)
        return CKR_TOKEN_WRITE_PROTECTED;
    return real->C_OpenSession(slot, flags, application, notify, session);
}

static CK_RV get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO_PTR info)
{
    if (is("nopss") && type == CKM_RSA_PKCS_PSS)
        return CKR_MECHANISM_INVALID;
    return real->C_GetMechanismInfo(slot, type, info);
}

static CK_RV get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR list, CK_ULONG count)
{
    CK_RV rv;

    /* a size query that is answered with nothing */
    if (is("nosize") && count && !list[0].pValue) {
        list[0].ulValueLen = 0;
        return CKR_OK;
    }
    if (is("always") && count == 1 && list[0].type == CKA_ALWAYS_AUTHENTICATE) {
        *(CK_BBOOL *)list[0].pValue = CK_TRUE;
        list[0].ulValueLen = sizeof(CK_BBOOL);
        return CKR_OK;
    }
    rv = real->C_GetAttributeValue(session, object, list, count);
    if (is("noid") && count == 1 && list[0].type == CKA_ID)
        list[0].ulValueLen = 0;
    return rv;
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG len)
{
    const char *pad = getenv("SGN_FAULT_PIN");

    note("login", user);
    if (is("lockednow"))
        return CKR_PIN_LOCKED;
    if (is("hanglogin"))
        sleep(600);
    if (user == CKU_CONTEXT_SPECIFIC && is("always")) {
        asked = 1;
        return len == strlen(pad) && memcmp(pin, pad, len) == 0 ? CKR_OK : CKR_PIN_INCORRECT;
    }
    if (is("pad"))
        return pin ? CKR_ARGUMENTS_BAD : real->C_Login(session, user, (CK_UTF8CHAR_PTR)(char *)pad, strlen(pad));
    return real->C_Login(session, user, pin, len);
}

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
    asked = 0;
    return real->C_SignInit(session, mechanism, key);
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG len, CK_BYTE_PTR value, CK_ULONG_PTR value_len)
{
    note("sign", ++signatures);
    if (is("always") && !asked)
        return CKR_USER_NOT_LOGGED_IN;
    if (is("removed") && signatures == 2)
        return CKR_DEVICE_REMOVED;
    if (is("crash") && signatures == 2)
        abort();
    if (is("hang") && signatures == 2)
        sleep(600);
    return real->C_Sign(session, data, len, value, value_len);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list)
{
    const char *path = getenv("SGN_FAULT_MODULE");
    void *module = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_C_GetFunctionList get = module ? (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList") : NULL;

    if (is("crashload"))
        abort();
    if (!get || get(&real) != CKR_OK)
        return CKR_GENERAL_ERROR;
    /* everything that may change a token is not there at all  (SV-H06) */
    memset(&fake, 0, sizeof fake);
    fake.version = real->version;
    fake.C_Initialize = real->C_Initialize;
    fake.C_GetSlotList = real->C_GetSlotList;
    fake.C_GetTokenInfo = get_token_info;
    fake.C_GetMechanismInfo = get_mechanism_info;
    fake.C_OpenSession = open_session;
    fake.C_CloseSession = real->C_CloseSession;
    fake.C_Login = login;
    fake.C_Logout = real->C_Logout;
    fake.C_FindObjectsInit = real->C_FindObjectsInit;
    fake.C_FindObjects = real->C_FindObjects;
    fake.C_FindObjectsFinal = real->C_FindObjectsFinal;
    fake.C_GetAttributeValue = get_attribute_value;
    fake.C_SignInit = sign_init;
    fake.C_Sign = sign;
    *list = &fake;
    return CKR_OK;
}
