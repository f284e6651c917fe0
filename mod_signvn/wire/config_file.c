/* config_file.c: SignVN directives out of httpd's own files, for the command
 * line.  Continued lines, comments, quotes, Define, Include and IncludeOptional
 * of files, directories and patterns are read as httpd reads them; everything
 * that is not ours is passed over, sections too. */
#include "wire/config.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_tables.h>

#include "base/file.h"
#include "wire/directive.h"

#define DEPTH 16            /* includes within includes */
#define FILE_LIMIT (4 << 20)
#define WORDS 64

typedef struct {
    json_t *draft;
    json_t *agency;         /* the open section */
    apr_table_t *defined;   /* Define NAME value */
    const char *base;       /* directory of relative names: ServerRoot */
    int depth;
    apr_pool_t *pool;
} reader_t;

static sgn_error_t *read_path(reader_t *reader, const char *path);

/* ${NAME} by Define, else by the environment; an unknown one stays as it is. */
static const char *expand(reader_t *reader, const char *text)
{
    const char *open = strstr(text, "${"), *close = open ? strchr(open, '}') : NULL, *name, *value;

    if (!close)
        return text;
    name = apr_pstrmemdup(reader->pool, open + 2, (apr_size_t)(close - open - 2));
    value = apr_table_get(reader->defined, name);
    if (!value)
        value = getenv(name);
    if (!value)
        value = apr_pstrcat(reader->pool, "${", name, "}", NULL);
    return apr_pstrcat(reader->pool, apr_pstrmemdup(reader->pool, text, (apr_size_t)(open - text)), value,
                       expand(reader, close + 1), NULL);
}

/* The words of a line; a quoted word may hold spaces and \" . */
static int split(const char **words, reader_t *reader, const char *line)
{
    int n = 0;

    while (*line && n < WORDS) {
        char *word, *to, quote = 0;

        while (isspace((unsigned char)*line))
            line++;
        if (!*line)
            break;
        to = word = apr_palloc(reader->pool, strlen(line) + 1);
        if (*line == '"' || *line == '\'')
            quote = *line++;
        while (*line && (quote ? *line != quote : !isspace((unsigned char)*line))) {
            if (quote && *line == '\\' && (line[1] == quote || line[1] == '\\'))
                line++;
            *to++ = *line++;
        }
        if (*line)
            line++;
        *to = '\0';
        words[n++] = word;
    }
    return n;
}

static const char *absolute(reader_t *reader, const char *path)
{
    return *path == '/' ? path : apr_pstrcat(reader->pool, reader->base, "/", path, NULL);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of a directory that match, sorted as httpd sorts them. */
static sgn_error_t *read_directory(reader_t *reader, const char *directory, const char *pattern)
{
    DIR *dir = opendir(directory);
    apr_array_header_t *names = apr_array_make(reader->pool, 16, sizeof(const char *));
    struct dirent *entry;

    if (!dir)
        return NULL;
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.' && (!pattern || fnmatch(pattern, entry->d_name, FNM_PERIOD) == 0))
            APR_ARRAY_PUSH(names, const char *) = apr_pstrcat(reader->pool, directory, "/", entry->d_name, NULL);
    closedir(dir);
    qsort(names->elts, (size_t)names->nelts, sizeof(const char *), by_name);
    for (int i = 0; i < names->nelts; i++)
        SGN_TRY(read_path(reader, APR_ARRAY_IDX(names, i, const char *)));
    return NULL;
}

static sgn_error_t *include(reader_t *reader, const char *name, int optional, const char *file, int line)
{
    const char *path = absolute(reader, name), *slash = strrchr(path, '/');

    if (strpbrk(slash, "*?["))
        return read_directory(reader, apr_pstrmemdup(reader->pool, path, (apr_size_t)(slash - path)), slash + 1);
    if (access(path, F_OK) != 0)
        return optional ? NULL : SGN_ERROR(reader->pool, SGN_CONFIG, "%s:%d: Include %s: no such file", file, line, path);
    return read_path(reader, path);
}

/* <SignVNAgency "code"> and </SignVNAgency>. */
static sgn_error_t *section(reader_t *reader, const char *text, const char *file, int line)
{
    const char *words[WORDS], *end = strrchr(text, '>');
    sgn_error_t *error;
    int n;

    if (strncasecmp(text, "</SignVNAgency", 14) == 0) {
        reader->agency = NULL;
        return NULL;
    }
    if (strncasecmp(text, "<SignVNAgency", 13) != 0 || !isspace((unsigned char)text[13]))
        return NULL;
    if (!end || reader->agency)
        return SGN_ERROR(reader->pool, SGN_CONFIG, "%s:%d: <SignVNAgency \"code\"> stands alone on its line and in no other", file, line);
    n = split(words, reader, apr_pstrmemdup(reader->pool, text + 13, (apr_size_t)(end - text - 13)));
    if (n != 1)
        return SGN_ERROR(reader->pool, SGN_CONFIG, "%s:%d: <SignVNAgency> takes one code", file, line);
    error = sgn_directive_agency(&reader->agency, reader->draft, words[0], file, line, reader->pool);
    return error ? SGN_WRAP(reader->pool, error, SGN_CONFIG, "%s:%d: %s", file, line, error->detail) : NULL;
}

static sgn_error_t *one_line(reader_t *reader, const char *text, const char *file, int line)
{
    const char *words[WORDS];
    const sgn_directive_t *row;
    sgn_error_t *error;
    int n;

    text = expand(reader, text);
    if (*text == '<')
        return section(reader, text, file, line);
    n = split(words, reader, text);
    if (!n)
        return NULL;
    if (strcasecmp(words[0], "Define") == 0) {
        if (n > 1)
            apr_table_set(reader->defined, words[1], n > 2 ? words[2] : "");
        return NULL;
    }
    if (strcasecmp(words[0], "ServerRoot") == 0 && n == 2) {
        reader->base = words[1];
        return NULL;
    }
    if ((strcasecmp(words[0], "Include") == 0 || strcasecmp(words[0], "IncludeOptional") == 0) && n == 2)
        return include(reader, words[1], words[0][7] != '\0', file, line);
    row = sgn_directive_find(words[0]);
    if (!row)
        return strncasecmp(words[0], "SignVN", 6) != 0 ? NULL
            : SGN_ERROR(reader->pool, SGN_CONFIG, "%s:%d: there is no directive %.60s", file, line, words[0]);
    if (row->scope == SGN_DIRECTIVE_LOCATION)
        return NULL;
    error = sgn_directive_set(reader->draft, reader->agency, row, n - 1, words + 1, file, line, reader->pool);
    return error ? SGN_WRAP(reader->pool, error, error->code, "%s:%d: %s", file, line, error->detail) : NULL;
}

static sgn_error_t *read_lines(reader_t *reader, char *text, const char *path)
{
    int line = 0;

    while (*text) {
        int first = ++line;
        char *from = text, *to = text;

        /* A backslash before the line's end joins the next line. */
        for (;;) {
            size_t len = strcspn(text, "\n"), keep = len;
            int joined;

            if (keep && text[keep - 1] == '\r')
                keep--;
            joined = keep && text[keep - 1] == '\\' && text[len];
            memmove(to, text, joined ? keep - 1 : keep);
            to += joined ? keep - 1 : keep;
            text += len + (text[len] != '\0');
            if (!joined)
                break;
            line++;
        }
        while (from < to && isspace((unsigned char)*from))
            from++;
        if (from == to || *from == '#')
            continue;
        SGN_TRY(one_line(reader, apr_pstrmemdup(reader->pool, from, (apr_size_t)(to - from)), path, first));
    }
    return NULL;
}

static sgn_error_t *read_path(reader_t *reader, const char *path)
{
    struct stat info;
    sgn_bytes_t text;
    int fd;
    sgn_error_t *error;

    if (reader->depth >= DEPTH)
        return SGN_ERROR(reader->pool, SGN_CONFIG, "%s: includes go deeper than %d", path, DEPTH);
    if (stat(path, &info) != 0)
        return SGN_ERROR_ERRNO(reader->pool, SGN_CONFIG, "%s", path);
    reader->depth++;
    if (S_ISDIR(info.st_mode)) {
        error = read_directory(reader, path, NULL);
    }
    else {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
            return SGN_ERROR_ERRNO(reader->pool, SGN_CONFIG, "%s", path);
        error = sgn_file_read_fd(&text, fd, FILE_LIMIT, reader->pool);
        close(fd);
        if (!error)
            error = read_lines(reader, apr_pstrmemdup(reader->pool, (const char *)text.data, text.len), path);
    }
    reader->depth--;
    return error;
}

sgn_error_t *sgn_config_read(sgn_config_t **out, const char *path, apr_pool_t *pool)
{
    reader_t reader = { .draft = sgn_directive_draft(pool), .defined = apr_table_make(pool, 8),
                        .base = "/etc/apache2", .pool = pool };
    const char *slash = strrchr(path, '/');

    /* Relative includes: beside the file, unless it names a ServerRoot. */
    if (slash && slash != path)
        reader.base = apr_pstrmemdup(pool, path, (apr_size_t)(slash - path));
    SGN_TRY(read_path(&reader, path));
    if (reader.agency)
        return SGN_ERROR(pool, SGN_CONFIG, "%s: <SignVNAgency \"%s\"> is not closed", path,
                         json_string_value(json_object_get(reader.agency, "code")));
    return sgn_config_decode(out, reader.draft, pool);
}
