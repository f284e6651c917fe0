/* The PDF plug. */
#include <string.h>

#include "look/format/format.h"
#include "look/format/pdf_list.h"
#include "look/format/pdf_prepare.h"

static int detect(sgn_bytes_t head)
{
    return memmem(head.data, head.len < 1024 ? head.len : 1024, "%PDF-", 5) != NULL;
}

static sgn_error_t *list(sgn_format_list_t **out, const sgn_format_document_t *document, apr_pool_t *pool)
{
    sgn_pdf_scan_t *scan;
    sgn_pdf_doc_t *doc;

    SGN_TRY(sgn_pdf_scan(&scan, document->map, document->size, pool));
    SGN_TRY(sgn_pdf_scan_vet(scan, pool));
    SGN_TRY(sgn_pdf_doc_open(&doc, scan, -1, pool));
    return sgn_pdf_list(out, doc, pool);
}

const sgn_format_t sgn_format_pdf = {
    .name = "PDF",
    .media_type = "application/pdf",
    .detect = detect,
    .list = list,
    .prepare = sgn_pdf_prepare,
};
