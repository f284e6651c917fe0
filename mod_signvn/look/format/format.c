/* The table of formats; the order is the order of asking. */
#include "look/format/format.h"

static const sgn_format_t *const formats[] = {
    &sgn_format_pdf,
};

const sgn_format_t *sgn_format_at(int index)
{
    return index >= 0 && index < (int)(sizeof formats / sizeof formats[0]) ? formats[index] : NULL;
}

const sgn_format_t *sgn_format_detect(const sgn_format_document_t *document)
{
    size_t head = document->size > 4096 ? 4096 : (size_t)(document->size > 0 ? document->size : 0);
    int i;

    for (i = 0; sgn_format_at(i); i++)
        if (head && sgn_format_at(i)->detect(sgn_bytes(document->map, head)))
            return sgn_format_at(i);
    return NULL;
}
