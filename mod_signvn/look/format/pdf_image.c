/* PNG of signatures and seals: admission and conversion [QĐ HP, Điều 13.1]. */
#include "look/format/pdf_image.h"

#include <math.h>
#include <string.h>

#include <apr_strings.h>
#include <png.h>

#include "base/pool.h"
#include "look/format/pdf_flate.h"

#define REFUSED(...) SGN_ERROR(pool, SGN_IMAGE_REFUSED, __VA_ARGS__)
#define INK 128                 /* alpha from which a pixel is ink */

static void free_png(void *image)
{
    png_image_free(image);
}

/* The chunk type at `at` decides whether a palette or grey image has tRNS. */
static int has_transparency(sgn_bytes_t png)
{
    size_t at = 8;

    if (png.len > 25 && (png.data[25] & 4))
        return 1;
    while (at + 12 <= png.len) {
        size_t len = (size_t)png.data[at] << 24 | (size_t)png.data[at + 1] << 16
                   | (size_t)png.data[at + 2] << 8 | png.data[at + 3];

        if (memcmp(png.data + at + 4, "tRNS", 4) == 0)
            return 1;
        if (memcmp(png.data + at + 4, "IDAT", 4) == 0 || len > png.len)
            return 0;
        at += len + 12;
    }
    return 0;
}

/* Mean colour of the ink as a hue; greys have none. */
static void measure(sgn_pdf_image_t *image)
{
    size_t count = (size_t)image->width * image->height, i, ink = 0;
    double red = 0, green = 0, blue = 0, high, low, span;

    image->hue = -1;
    for (i = 0; i < count; i++) {
        const unsigned char *pixel = image->rgba + 4 * i;

        if (pixel[3] < INK)
            continue;
        ink++;
        red += pixel[0];
        green += pixel[1];
        blue += pixel[2];
    }
    image->opaque = count ? (double)ink / (double)count : 0;
    if (!ink)
        return;
    red /= (double)ink;
    green /= (double)ink;
    blue /= (double)ink;
    image->ink[0] = (unsigned char)red;
    image->ink[1] = (unsigned char)green;
    image->ink[2] = (unsigned char)blue;
    for (i = 0; i < count; i++)
        /* what is not seen must not carry anything */
        if (image->rgba[4 * i + 3] == 0)
            memcpy(image->rgba + 4 * i, image->ink, 3);
    high = fmax(red, fmax(green, blue));
    low = fmin(red, fmin(green, blue));
    span = high - low;
    if (span < 24)
        return;
    if (high == red)
        image->hue = 60 * (green - blue) / span;
    else if (high == green)
        image->hue = 120 + 60 * (blue - red) / span;
    else
        image->hue = 240 + 60 * (red - green) / span;
    if (image->hue < 0)
        image->hue += 360;
}

sgn_error_t *sgn_pdf_image_read(sgn_pdf_image_t **out, sgn_bytes_t png, apr_pool_t *pool)
{
    static const unsigned char magic[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
    sgn_pdf_image_t *image = apr_pcalloc(pool, sizeof *image);
    png_image *reader = apr_pcalloc(pool, sizeof *reader);

    if (png.len < 33 || memcmp(png.data, magic, sizeof magic) != 0)
        return REFUSED("the image is no PNG");
    reader->version = PNG_IMAGE_VERSION;
    sgn_pool_own(pool, reader, free_png);
    if (!png_image_begin_read_from_memory(reader, png.data, png.len))
        return REFUSED("the PNG cannot be read");
    if (reader->width == 0 || reader->height == 0
        || (apr_uint64_t)reader->width * reader->height > SGN_PDF_IMAGE_PIXELS)
        return REFUSED("the PNG has more than %d pixels", SGN_PDF_IMAGE_PIXELS);
    reader->format = PNG_FORMAT_RGBA;
    image->width = (int)reader->width;
    image->height = (int)reader->height;
    image->has_alpha = has_transparency(png);
    image->rgba = apr_palloc(pool, PNG_IMAGE_SIZE(*reader));
    if (!png_image_finish_read(reader, NULL, image->rgba, 0, NULL))
        return REFUSED("the PNG is damaged");
    measure(image);
    *out = image;
    return NULL;
}

/* The frame of the image: one pixel each side. */
static double clear_border(const sgn_pdf_image_t *image)
{
    int x, y, clear = 0, total = 0;

    for (y = 0; y < image->height; y++)
        for (x = 0; x < image->width; x++) {
            if (x && y && x < image->width - 1 && y < image->height - 1)
                continue;
            total++;
            clear += image->rgba[4 * ((size_t)y * image->width + x) + 3] < INK;
        }
    return total ? (double)clear / total : 0;
}

sgn_error_t *sgn_pdf_image_admit(const sgn_pdf_image_t *image, sgn_pdf_image_use_t use, apr_pool_t *pool)
{
    if (!image->has_alpha)
        return REFUSED("the PNG has no transparency");
    if (image->opaque <= 0)
        return REFUSED("nothing is visible in the PNG");
    if (image->opaque > 0.9 || clear_border(image) < 0.5)
        return REFUSED("the background of the PNG is not transparent");
    if (use == SGN_PDF_IMAGE_SIGNATURE && (image->hue < 180 || image->hue > 270))
        return REFUSED("the ink of a signature must be blue");
    if (use == SGN_PDF_IMAGE_SEAL && (image->hue < 0 || (image->hue > 25 && image->hue < 335)))
        return REFUSED("the ink of a seal must be red");
    return NULL;
}

const sgn_pdf_image_t *sgn_pdf_image_shrink(const sgn_pdf_image_t *image, int width, int height, apr_pool_t *pool)
{
    sgn_pdf_image_t *out;
    int x, y, sx, sy, k;

    if (width < 1 || height < 1 || width >= image->width || height >= image->height)
        return image;
    out = apr_pmemdup(pool, image, sizeof *image);
    out->width = width;
    out->height = height;
    out->rgba = apr_palloc(pool, (size_t)width * height * 4);
    for (y = 0; y < height; y++) {
        int top = (int)((apr_int64_t)y * image->height / height);
        int bottom = (int)((apr_int64_t)(y + 1) * image->height / height);

        for (x = 0; x < width; x++) {
            int left = (int)((apr_int64_t)x * image->width / width);
            int right = (int)((apr_int64_t)(x + 1) * image->width / width);
            unsigned sum[3] = { 0, 0, 0 }, alpha = 0, count = (unsigned)((bottom - top) * (right - left));
            unsigned char *to = out->rgba + 4 * ((size_t)y * width + x);

            for (sy = top; sy < bottom; sy++)
                for (sx = left; sx < right; sx++) {
                    const unsigned char *from = image->rgba + 4 * ((size_t)sy * image->width + sx);

                    /* most of it is not seen */
                    if (!from[3])
                        continue;
                    for (k = 0; k < 3; k++)
                        sum[k] += (unsigned)from[k] * from[3];
                    alpha += from[3];
                }
            for (k = 0; k < 3; k++)
                to[k] = (unsigned char)(alpha ? sum[k] / alpha : image->ink[k]);
            to[3] = (unsigned char)(count ? alpha / count : 0);
        }
    }
    return out;
}

/* Level 1: a third of the time of level 6 for twice the few kilobytes. */
#define LEVEL 1

sgn_error_t *sgn_pdf_image_pack_rgb(sgn_bytes_t *out, const sgn_pdf_image_t *image, apr_pool_t *pool)
{
    size_t count = (size_t)image->width * image->height, i;
    unsigned char *colours = apr_palloc(pool, count * 3 + 1);

    for (i = 0; i < count; i++)
        memcpy(colours + 3 * i, image->rgba + 4 * i, 3);
    return sgn_pdf_flate_deflate(out, sgn_bytes(colours, count * 3), LEVEL, pool);
}

sgn_error_t *sgn_pdf_image_pack_alpha(sgn_bytes_t *out, const sgn_pdf_image_t *image, int one_bit, apr_pool_t *pool)
{
    size_t count = (size_t)image->width * image->height, i, row;
    unsigned char *mask;

    if (one_bit) {
        size_t stride = ((size_t)image->width + 7) / 8;

        mask = apr_pcalloc(pool, stride * image->height + 1);
        for (row = 0; row < (size_t)image->height; row++)
            for (i = 0; i < (size_t)image->width; i++)
                if (image->rgba[4 * (row * image->width + i) + 3] < INK)
                    mask[row * stride + i / 8] |= (unsigned char)(0x80 >> (i % 8));
        return sgn_pdf_flate_deflate(out, sgn_bytes(mask, stride * image->height), LEVEL, pool);
    }
    mask = apr_palloc(pool, count + 1);
    for (i = 0; i < count; i++)
        mask[i] = image->rgba[4 * i + 3];
    return sgn_pdf_flate_deflate(out, sgn_bytes(mask, count), LEVEL, pool);
}
