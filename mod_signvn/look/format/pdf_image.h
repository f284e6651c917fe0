/*
 * pdf_image.h: PNG images of signatures and seals: admission and conversion.
 *
 * Admission [QĐ HP Điều 13.1, SV-D09]: PNG, alpha or tRNS, transparent
 * background, at most 2 million pixels, ink blue (signature) or red (seal).
 */
#ifndef SGN_LOOK_FORMAT_PDF_IMAGE_H
#define SGN_LOOK_FORMAT_PDF_IMAGE_H

#include "base/buf.h"

#define SGN_PDF_IMAGE_PIXELS 2000000

typedef enum { SGN_PDF_IMAGE_ANY, SGN_PDF_IMAGE_SIGNATURE, SGN_PDF_IMAGE_SEAL } sgn_pdf_image_use_t;

typedef struct {
    int width, height;
    int has_alpha;                  /* a channel or tRNS */
    double opaque;                  /* share of pixels that are ink */
    double hue;                     /* of the ink, degrees; -1: grey or none */
    unsigned char ink[3];           /* its mean colour */
    unsigned char *rgba;            /* width * height * 4; what is not seen has the ink's colour, so that
                                       viewers that blend draw no dark edges */
} sgn_pdf_image_t;

/* SGN_IMAGE_REFUSED with what is wrong in the detail. */
sgn_error_t *sgn_pdf_image_read(sgn_pdf_image_t **out, sgn_bytes_t png, apr_pool_t *pool);
sgn_error_t *sgn_pdf_image_admit(const sgn_pdf_image_t *image, sgn_pdf_image_use_t use, apr_pool_t *pool);

/* At most width x height pixels, areas averaged; the same image when it is small
 * enough.  Nobody prints a signature at more than 300 dots per inch. */
const sgn_pdf_image_t *sgn_pdf_image_shrink(const sgn_pdf_image_t *image, int width, int height, apr_pool_t *pool);

/* Deflated samples: RGB; 8-bit alpha, or for PDF/A-1 a 1-bit stencil mask
 * (1 = masked out) instead of alpha. */
sgn_error_t *sgn_pdf_image_pack_rgb(sgn_bytes_t *out, const sgn_pdf_image_t *image, apr_pool_t *pool);
sgn_error_t *sgn_pdf_image_pack_alpha(sgn_bytes_t *out, const sgn_pdf_image_t *image, int one_bit, apr_pool_t *pool);

#endif
