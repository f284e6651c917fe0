/* test_prepare.c: the CMS goes into its placeholder and nowhere else. */
#include "tap.h"

#include "office/signing/prepare.h"

int main(void)
{
    apr_pool_t *pool = tap_pool();
    unsigned char gap[] = "<00000000>";

    is_code(sgn_prepare_fill(gap, 10, sgn_bytes("\xAB\xCD", 2), pool), SGN_OK, "prepare: a CMS that fits");
    is((const char *)gap, "<abcd0000>", "prepare: hex, then zeros");
    is_code(sgn_prepare_fill(gap, 10, sgn_bytes("\1\2\3\4", 4), pool), SGN_OK, "prepare: one that just fits");
    is((const char *)gap, "<01020304>", "prepare: between the brackets");
    is_code(sgn_prepare_fill(gap, 10, sgn_bytes("\1\2\3\4\5", 5), pool), SGN_CONTENTS_TOO_SMALL,
            "prepare: one byte more is refused");
    is((const char *)gap, "<01020304>", "prepare: and nothing was written");
    is_code(sgn_prepare_fill(gap, 1, sgn_bytes("", 0), pool), SGN_CONTENTS_TOO_SMALL, "prepare: no placeholder is refused");
    return done_testing();
}
