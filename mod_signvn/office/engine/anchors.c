/* anchors.c: the administrator's PEM files: the armour is taken off here, the
 * DER inside is read by workers only. */
#include "office/engine/engine_room.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/file.h"
#include "base/pool.h"

#define FILE_LIMIT ((size_t)16 << 20)

static const char begin[] = "-----BEGIN CERTIFICATE-----";
static const char end[] = "-----END CERTIFICATE-----";

static sgn_error_t *add_block(json_t *array, const char *from, size_t len, const char *path, apr_pool_t *pool)
{
    const char *text = apr_pstrmemdup(pool, from, len);
    sgn_bytes_t der;

    while (*text == '\r' || *text == '\n' || *text == ' ')
        text++;
    if (sgn_bytes_from_base64(&der, text, pool) || der.len < 4 || der.data[0] != 0x30)
        return SGN_ERROR(pool, SGN_CONFIG, "%s: certificate %d is not base64 of DER", path,
                         (int)json_array_size(array) + 1);
    json_array_append_new(array, json_string(sgn_bytes_base64(der, pool)));
    return NULL;
}

sgn_error_t *sgn_anchors_read(json_t **out, const char *path, apr_pool_t *pool)
{
    json_t *array = sgn_json_array(pool);
    sgn_bytes_t text;
    const char *at;
    int fd;

    *out = array;
    if (!path)
        return NULL;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return SGN_ERROR_ERRNO(pool, SGN_CONFIG, "%s", path);
    sgn_pool_own_fd(pool, fd);
    SGN_TRY(sgn_file_read_fd(&text, fd, FILE_LIMIT, pool));
    sgn_pool_close_fd(pool, fd);
    for (at = strstr((const char *)text.data, begin); at; at = strstr(at, begin)) {
        const char *stop;

        at += sizeof begin - 1;
        stop = strstr(at, end);
        if (!stop)
            return SGN_ERROR(pool, SGN_CONFIG, "%s: a certificate without its END line", path);
        SGN_TRY(add_block(array, at, (size_t)(stop - at), path, pool));
        at = stop;
    }
    if (json_array_size(array) == 0)
        return SGN_ERROR(pool, SGN_CONFIG, "%s: no certificate in it", path);
    return NULL;
}
