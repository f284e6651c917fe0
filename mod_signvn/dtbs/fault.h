/*
 * fault.h: the outcome of every call in dtbs/.
 *
 * dtbs/ is shared by keeper, worker and desk, and the desk has no APR: so
 * its calls return a small int.  0 is success.  A face maps the fault to a code
 * of codes.def; sgn_fault_name() is for its detail, never for the user.
 */
#ifndef SGN_DTBS_FAULT_H
#define SGN_DTBS_FAULT_H

#define SGN_FAULT_LIST(FAULT) \
    FAULT(NONE, "none") \
    FAULT(SHORT, "input ends early") \
    FAULT(TRAILING, "bytes after the end") \
    FAULT(LIMIT, "over a limit") \
    FAULT(TAG, "another tag than expected") \
    FAULT(LENGTH, "length is not minimal or not definite") \
    FAULT(VALUE, "value out of its range") \
    FAULT(ORDER, "set is not in DER order") \
    FAULT(TWICE, "the same thing twice") \
    FAULT(UNKNOWN, "unknown attribute or member") \
    FAULT(MISSING, "a required part is missing") \
    FAULT(KIND, "kind and document reference do not agree") \
    FAULT(UTF8, "text is not UTF-8 or has control characters") \
    FAULT(SYNTAX, "syntax") \
    FAULT(TYPE, "another type than expected") \
    FAULT(ENCODING, "bad base64 or hex") \
    FAULT(RANGE, "byte range does not cover the file") \
    FAULT(GAP, "gap is not a placeholder of zeros") \
    FAULT(READ, "file could not be read") \
    FAULT(ALG, "algorithm is not ES256") \
    FAULT(TYP, "message is of another type") \
    FAULT(KEY, "key is missing or not on the curve") \
    FAULT(SIGNATURE, "signature does not verify") \
    FAULT(CRYPTO, "cryptographic library") \
    FAULT(TIME, "out of the time window") \
    FAULT(OTHER, "made for another request")

enum {
#define SGN_FAULT_ENUM(id, text) SGN_FAULT_##id,
    SGN_FAULT_LIST(SGN_FAULT_ENUM)
#undef SGN_FAULT_ENUM
    SGN_FAULT_END
};

/* Never NULL. */
const char *sgn_fault_name(int fault);

#define SGN_FAULT_TRY(expression) \
    do { int sgn_fault_ = (expression); if (sgn_fault_) return sgn_fault_; } while (0)

#endif
