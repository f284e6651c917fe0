/*
 * jsonbuf.h: a strict JSON reader over a buffer, without allocation.
 *
 * The caller gives the array of nodes; the tree is that array in document
 * order.  Refused: bytes after the value, depth over 16, duplicate names, text
 * that is not UTF-8, NUL in strings, unpaired surrogates, more nodes than the
 * array has.  Nothing is copied until a getter is asked.
 *
 * Node 0 is the root.  Getters take a node index; a negative index (what a
 * failed look-up gives) is SGN_FAULT_MISSING, so look-ups may be chained.
 */
#ifndef SGN_DTBS_JSONBUF_H
#define SGN_DTBS_JSONBUF_H

#include <stddef.h>
#include <stdint.h>

#include "dtbs/fault.h"

typedef enum {
    SGN_JSONBUF_NULL, SGN_JSONBUF_FALSE, SGN_JSONBUF_TRUE, SGN_JSONBUF_NUMBER,
    SGN_JSONBUF_STRING, SGN_JSONBUF_ARRAY, SGN_JSONBUF_OBJECT
} sgn_jsonbuf_type_t;

typedef struct {
    unsigned char type;
    unsigned start, len;    /* of the text; of a string without its quotes */
    unsigned count;         /* items, or members */
    unsigned next;          /* index of the node after this subtree */
} sgn_jsonbuf_node_t;

typedef struct {
    const char *text;
    size_t len;
    sgn_jsonbuf_node_t *nodes;
    unsigned cap, used;
} sgn_jsonbuf_t;

int sgn_jsonbuf_parse(sgn_jsonbuf_t *out, const char *text, size_t len,
                      sgn_jsonbuf_node_t *nodes, unsigned cap);
/* Index of a member's value or of an item, -1 when there is none. */
int sgn_jsonbuf_member(const sgn_jsonbuf_t *json, int object, const char *name);
int sgn_jsonbuf_item(const sgn_jsonbuf_t *json, int array, unsigned n);
/* Items of an array or members of an object; -1 for anything else. */
int sgn_jsonbuf_count(const sgn_jsonbuf_t *json, int node);
int sgn_jsonbuf_is(const sgn_jsonbuf_t *json, int node, sgn_jsonbuf_type_t type);
/* Unescaped UTF-8 with a NUL; *out_len may be NULL. */
int sgn_jsonbuf_str(const sgn_jsonbuf_t *json, int node, char *out, size_t cap, size_t *out_len);
/* A whole number within +-2^53. */
int sgn_jsonbuf_int(const sgn_jsonbuf_t *json, int node, int64_t *out);
/* String that is base64, base64url or hex of at most cap bytes. */
int sgn_jsonbuf_base64(const sgn_jsonbuf_t *json, int node, unsigned char *out, size_t cap, size_t *out_len);
int sgn_jsonbuf_base64url(const sgn_jsonbuf_t *json, int node, unsigned char *out, size_t cap, size_t *out_len);
int sgn_jsonbuf_hex(const sgn_jsonbuf_t *json, int node, unsigned char *out, size_t cap, size_t *out_len);
/* SGN_FAULT_UNKNOWN when the object has a member that is not in the NULL-ended list. */
int sgn_jsonbuf_only(const sgn_jsonbuf_t *json, int object, const char *const *names);

#endif
