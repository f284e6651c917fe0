/*
 * test_diff.c: changes after signing.  First what is permitted, then one
 * attack after the other on an approved or sealed document; all of them leave
 * every digest right, so only the comparison of revisions can see them.
 */
#include "t/unit/tap.h"
#include "t/unit/validate_rig.h"

#include <unistd.h>

#include <apr_strings.h>

#define HOUR apr_time_from_sec(3600)

static apr_pool_t *pool;
static rig_pki_t *pki;
static sgn_bytes_t base, approved, sealed;

static sgn_bytes_t approve(sgn_bytes_t document)
{
    return rig_sign(document, &(rig_sign_t){ .who = &pki->leader, .kind = "approve", .field = "sgn_person_1", .reserve = 1,
                                             .stamp = pki->now - HOUR }, pool);
}

static sgn_bytes_t seal(sgn_bytes_t document)
{
    return rig_sign(document, &(rig_sign_t){ .who = &pki->seal_a, .kind = "seal", .field = "sgn_seal", .fill = 1, .number = "15",
                                             .day = "21", .month = "11", .stamp = pki->now - HOUR / 2,
                                             .person = rig_fact(rig_look(document, NULL, pool), 0)->value }, pool);
}

/* The first signature's view of what came after it. */
static const sgn_report_signature_t *first(sgn_bytes_t document)
{
    return rig_signature(rig_look(document, NULL, pool), 0);
}

static void told(const sgn_report_signature_t *signature)
{
    int i;

    for (i = 0; i < signature->changes->nelts; i++) {
        const sgn_change_row_t *row = &APR_ARRAY_IDX(signature->changes, i, sgn_change_row_t);

        printf("# %s %s: %s\n", sgn_error_row(row->code)->name, row->object ? row->object : "-", row->what);
    }
}

static void permitted(sgn_bytes_t document, sgn_code_t code, const char *name)
{
    const sgn_report_signature_t *one = first(document);

    if (!ok(one->changes_after == SGN_CHANGES_PERMITTED && one->indication == SGN_INDICATION_PASSED
            && sgn_report_has(one->findings, code), name))
        told(one);
}

static void forbidden(sgn_bytes_t document, sgn_code_t code, const char *name)
{
    const sgn_report_signature_t *one = first(document);

    if (!ok(one->changes_after == SGN_CHANGES_FORBIDDEN && one->indication == SGN_INDICATION_FAILED
            && sgn_report_has(one->findings, code), name))
        told(one);
}

/* Ambiguous or damaged: not failed by a rule perhaps, but never passed. */
static void not_passed(sgn_bytes_t document, sgn_code_t code, const char *name)
{
    const sgn_report_t *report = rig_look(document, NULL, pool)->report;

    ok(report->indication != SGN_INDICATION_PASSED && report->indication != SGN_INDICATION_NO_SIGNATURE
       && (sgn_report_has(report->findings, code)
           || (report->signatures->nelts && sgn_report_has(APR_ARRAY_IDX(report->signatures, 0, sgn_report_signature_t *)->findings, code))), name);
}

#define APPEND(document, ...) rig_append(document, (rig_object_t[]){ __VA_ARGS__, { 0, NULL, 0 } }, NULL, pool)

static const char *text(const char *format, ...)
{
    va_list args;
    const char *out;

    va_start(args, format);
    out = apr_pvsprintf(pool, format, args);
    va_end(args);
    return out;
}

/* PDF text of an object with the first `old` replaced. */
static const char *edited(sgn_bytes_t document, int num, const char *old, const char *by)
{
    const char *object = rig_object(document, num, pool), *at = strstr(object, old);

    if (!at) {
        printf("Bail out! object %d has no %s: %s\n", num, old, object);
        _exit(2);
    }
    return text("%.*s%s%s", (int)(at - object), object, by, at + strlen(old));
}

/* The page with one more annotation behind the old ones. */
static const char *with_annot(sgn_bytes_t document, int page, int num)
{
    const char *object = rig_object(document, page, pool), *at = strstr(object, "/Annots [");

    at = at ? strchr(at, ']') : NULL;
    if (!at) {
        printf("Bail out! page without annotations: %s\n", object);
        _exit(2);
    }
    return text("%.*s %d 0 R%s", (int)(at - object), object, num, at);
}

static const char *stream(const char *dict, const char *data)
{
    return text("<<%s /Length %lu>>\nstream\n%s\nendstream", dict, (unsigned long)strlen(data), data);
}

/* ---- permitted ------------------------------------------------------------ */

/* A further signature as a foreign tool makes it: the page rewritten, the form
 * written directly into the catalog, document information and XMP touched. */
static sgn_bytes_t foreign_signature(sgn_bytes_t document, const char *extra, const char *field_extra)
{
    int num = rig_next(document, pool), page = rig_page(document, pool), root = rig_root(document, pool);
    sgn_bytes_t file;

    file = rig_append(document, (rig_object_t[]){
        { num, rig_placeholder(text("/Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached %s", extra), pool), 0 },
        { num + 1, text("<</FT /Sig /T (Signature9) /V %d 0 R /Type /Annot /Subtype /Widget /Rect [10 10 60 40] /F 132 /P %d 0 R %s>>",
                        num, page, field_extra), 0 },
        { page, with_annot(document, page, num + 1), 0 },
        { root, edited(document, root, text("/AcroForm %d 0 R", rig_form(document, pool)),
                       text("/AcroForm %s", rig_with_field(document, num + 1, pool))), 0 },
        { num + 2, "<</Producer (Acrobat) /ModDate (D:20261121)>>", 0 },
        { 7, stream("/Type /Metadata /Subtype /XML", "<?xpacket begin='' id='2'?><y/><?xpacket end='w'?>"), 0 },
        { 0, NULL, 0 } }, text("/Info %d 0 R", num + 2), pool);
    return rig_complete(file, document.len, &(rig_sign_t){ .who = &pki->reviewer, .kind = "check", .stamp = pki->now - HOUR / 3 }, pool);
}

static void good(void)
{
    int num = rig_next(sealed, pool), root = rig_root(sealed, pool);
    sgn_bytes_t file;

    permitted(sealed, SGN_F_CHANGE_SEAL_FILL, "the seal with number and date is permitted");
    permitted(rig_stamp(sealed, pki->now - HOUR / 4, pool), SGN_F_CHANGE_TIMESTAMP, "a document time-stamp is permitted");
    permitted(rig_sign(sealed, &(rig_sign_t){ .who = &pki->seal_b, .kind = "copy", .field = "copy_1", .stamp = pki->now - HOUR / 4,
                                              .box = { 400, 780, 150, 40 } }, pool),
              SGN_F_CHANGE_SIGNATURE, "the signature of another agency behind the seal is permitted");
    file = foreign_signature(approved, "", "");
    permitted(file, SGN_F_CHANGE_SIGNATURE, "a signature as Acrobat makes it is permitted");
    permitted(file, SGN_F_CHANGE_METADATA, "its document information and XMP are told");
    is_int(rig_look(file, NULL, pool)->report->indication, SGN_INDICATION_PASSED, "and the document passes");
    file = APPEND(sealed, { root, edited(sealed, root, "/Pages", text("/DSS %d 0 R /Pages", num)), 0 },
                  { num, text("<</CRLs [%d 0 R] /VRI <</AA <</CRL [%d 0 R]>>>>>>", num + 1, num + 1), 0 },
                  { num + 1, stream("", "crl"), 0 });
    permitted(file, SGN_F_CHANGE_DSS, "evidence (DSS) is permitted");
    file = APPEND(file, { num, text("<</CRLs [%d 0 R %d 0 R]>>", num + 1, num + 2), 0 }, { num + 2, stream("", "crl 2"), 0 });
    permitted(file, SGN_F_CHANGE_DSS, "more evidence in the same list is permitted");
    permitted(APPEND(sealed, { num, "<</Some /Thing>>", 0 }), SGN_F_CHANGE_ORPHAN, "an object nobody uses is tolerated and told");
    file = APPEND(sealed, { 5, rig_object(sealed, 5, pool), 0 });
    is_int(first(file)->indication, SGN_INDICATION_PASSED, "an object written again unchanged is tolerated");
    permitted(seal(approve(rig_pdf("stream", 100, pool))), SGN_F_CHANGE_SEAL_FILL, "the same in a file of cross-reference streams");
    permitted(rig_stamp(seal(approve(rig_pdf("stream", 100, pool))), pki->now - HOUR / 4, pool), SGN_F_CHANGE_TIMESTAMP,
              "and with a time-stamp");
}

/* ---- the reserved fields -------------------------------------------------- */

static const char *drawn(sgn_bytes_t document, const char *value)
{
    (void)document;
    return stream("/Type /XObject /Subtype /Form /BBox [0 0 40 18] /Resources <<>>", text("BT (%s) Tj ET", value));
}

static void reserved(void)
{
    int number = rig_field(approved, "sgn_number", pool), page = rig_page(approved, pool), num = rig_next(approved, pool);
    int seal_field = rig_field(approved, "sgn_seal", pool), form = rig_form(approved, pool);
    size_t at;
    sgn_bytes_t file;

    file = APPEND(approved, { number, edited(approved, number, "/DA", text("/V (15) /AP <</N %d 0 R>> /DA", num)), 0 },
                  { num, drawn(approved, "15"), 0 });
    forbidden(file, SGN_F_FILL_FOREIGN, "B4: the number filled without the seal");
    file = rig_sign(approved, &(rig_sign_t){ .who = &pki->reviewer, .kind = "check", .field = "sgn_check_9", .box = { 10, 10, 80, 40 } }, pool);
    file = APPEND(file, { number, edited(file, number, "/DA", "/V (15) /DA"), 0 });
    forbidden(file, SGN_F_FILL_FOREIGN, "B4: filled behind a reviewer's signature");
    forbidden(APPEND(approved, { number, edited(approved, number, "/Rect [100 700", "/Rect [100 100"), 0 }), SGN_F_FILL_FOREIGN,
              "B4: a reserved field moved");
    file = APPEND(approved, { page, with_annot(approved, page, num), 0 },
                  { num, text("<</Type /Annot /Subtype /Widget /Parent %d 0 R /Rect [0 0 200 200] /P %d 0 R /F 4>>", number, page), 0 });
    forbidden(file, SGN_F_CHANGE_FORBIDDEN, "B4: a second widget for the reserved field");
    forbidden(APPEND(approved, { number, edited(approved, number, "/FT", text("/Kids [%d 0 R] /FT", num)), 0 },
                     { num, text("<</Type /Annot /Subtype /Widget /Parent %d 0 R /Rect [0 0 200 200] /F 4>>", number), 0 }),
              SGN_F_FILL_FOREIGN, "B4: a second widget as a kid");

    /* B5 in the seal's own revision: what is stored is not what is drawn */
    at = rig_find(sealed, approved.len, "(15)");
    forbidden(rig_replace(sealed, at, "(15)", "(75)", pool), SGN_F_APPEARANCE_DIFFERS, "B5: stored 75, drawn 15");
    at = rig_find(sealed, approved.len, "/T (sgn_number)");
    ok(at != (size_t)-1 || rig_find(sealed, approved.len, "(sgn_number)") != (size_t)-1, "B5: the number's field is in the seal's revision");
    forbidden(APPEND(approved, { form, edited(approved, form, "/SigFlags", "/NeedAppearances true /SigFlags"), 0 }),
              SGN_F_CHANGE_FORBIDDEN, "B5: /NeedAppearances after signing");
    forbidden(APPEND(approved, { form, edited(approved, form, "/DR", text("/DR <</Font <</SgnF %d 0 R>>>> /DRX", num)), 0 },
                     { num, "<</Type /Font /Subtype /Type1 /BaseFont /Courier>>", 0 }), SGN_F_CHANGE_FORBIDDEN, "B5: another font in /DR");
    forbidden(APPEND(approved, { form, edited(approved, form, "/SigFlags", "/Q 2 /SigFlags"), 0 }), SGN_F_CHANGE_FORBIDDEN, "B5: /Q of the form");
    forbidden(APPEND(approved, { 18, drawn(approved, "75"), 0 }), SGN_F_CHANGE_FORBIDDEN, "B5: the empty appearance replaced");

    /* after the seal */
    number = rig_field(sealed, "sgn_number", pool);
    forbidden(APPEND(sealed, { number, edited(sealed, number, "(15)", "(16)"), 0 }), SGN_F_CHANGE_LOCK, "the number changed after the seal: locked");
    forbidden(APPEND(approved, { seal_field, edited(approved, seal_field, "/Lock 23 0 R", ""), 0 }), SGN_F_CHANGE_FORBIDDEN,
              "the lock taken from the seal's field");
    forbidden(APPEND(sealed, { seal_field, edited(sealed, seal_field, "/Rect [250", "/Rect [100"), 0 }), SGN_F_CHANGE_FORBIDDEN,
              "the seal moved after sealing");
}

/* ---- shadow attacks and the like ------------------------------------------ */

static void shadows(void)
{
    int num = rig_next(sealed, pool), page = rig_page(sealed, pool), root = rig_root(sealed, pool), form = rig_form(sealed, pool);
    int person = rig_field(sealed, "sgn_person_1", pool);
    const char *bait = "\n4 0 obj\n<</Length 10>>\nstream\n0 0 9 9 re\nendstream\nendobj\n";
    size_t hidden;
    sgn_bytes_t file;

    forbidden(APPEND(sealed, { 4, stream("", "BT /F1 13 Tf 80 760 Td (So:    99 /QD-UBND) Tj ET"), 0 }), SGN_F_CHANGE_FORBIDDEN,
              "ISA: the page's content replaced");
    forbidden(APPEND(sealed, { 4, stream("", "BT /F1 13 Tf 80 760 Td (So:       /QD-UBNC) Tj ET"), 0 }), SGN_F_CHANGE_FORBIDDEN,
              "R9: a stream with the same dictionary and other bytes");
    forbidden(APPEND(sealed, { 5, "<</Type /Font /Subtype /Type1 /BaseFont /Symbol>>", 0 }), SGN_F_CHANGE_FORBIDDEN, "shadow replace: another font");
    forbidden(APPEND(sealed, { page, edited(sealed, page, "/Contents 4 0 R", text("/Contents [4 0 R %d 0 R]", num)), 0 },
                     { num, stream("", "0 0 600 900 re f"), 0 }), SGN_F_CHANGE_FORBIDDEN, "a second content stream on the page");
    forbidden(APPEND(sealed, { page, with_annot(sealed, page, num), 0 },
                     { num, "<</Type /Annot /Subtype /FreeText /Rect [0 0 500 500] /Contents (x)>>", 0 }), SGN_F_CHANGE_FORBIDDEN,
              "EAA: an annotation over the content");
    forbidden(APPEND(sealed, { page, edited(sealed, page, "/Annots [8 0 R ", "/Annots ["), 0 }), SGN_F_CHANGE_FORBIDDEN,
              "shadow hide: an annotation removed");
    forbidden(APPEND(sealed, { 4, NULL, 0 }), SGN_F_CHANGE_FORBIDDEN, "shadow hide: an object freed");
    forbidden(APPEND(sealed, { 2, edited(sealed, 2, "/Count 1", "/Count 2"), 0 }), SGN_F_CHANGE_FORBIDDEN, "the page tree changed");
    forbidden(APPEND(sealed, { root, edited(sealed, root, "/Pages", "/OpenAction <</S /JavaScript /JS (x)>> /Pages"), 0 }),
              SGN_F_CHANGE_FORBIDDEN, "an action in the catalog");
    {
        const sgn_checks_answer_t *answer = rig_look(APPEND(sealed,
            { person, edited(sealed, person, "/V 9 0 R", text("/V %d 0 R", num)), 0 }, { num, "<</Type /Sig>>", 0 }), NULL, pool);

        ok(answer->report->indication == SGN_INDICATION_FAILED && sgn_report_has(answer->report->findings, SGN_F_ORPHAN_SIGNATURE),
           "the signature of a field exchanged: fails, and the one left behind is told");
        ok(rig_signature(answer, 1)->changes_after == SGN_CHANGES_FORBIDDEN, "it is a forbidden change of the seal");
    }
    forbidden(APPEND(sealed, { form, edited(sealed, form, "[8 0 R ", "["), 0 }), SGN_F_CHANGE_FORBIDDEN, "a signature's field removed from the form");

    /* hide-and-replace: the signed revision holds the object already */
    file = rig_pdf("table", 200, pool);
    hidden = rig_find(file, rig_find(file, 0, "6 0 obj"), "stream\n") + 7;
    memcpy((unsigned char *)file.data + hidden, bait, strlen(bait));
    file = seal(approve(file));
    forbidden(rig_append(file, (rig_object_t[]){ { 4, NULL, (apr_off_t)hidden + 1 }, { 0, NULL, 0 } }, NULL, pool), SGN_F_CHANGE_OBJECT_MOVED,
              "hide-and-replace: an entry points back into the signed revision");

    /* an object that the signed page refers to appears later */
    file = rig_pdf("table", 200, pool);
    file = approve(APPEND(file, { 3, edited(file, 3, "/Contents 4 0 R", "/Contents [4 0 R 90 %x\n0 R]"), 0 }));
    forbidden(APPEND(file, { 90, stream("", "0 0 600 900 re f"), 0 }), SGN_F_CHANGE_OBJECT_MOVED, "an object the signed page waits for appears");

    /* what may change serves as page content too */
    file = rig_pdf("table", 200, pool);
    file = approve(APPEND(file, { 3, edited(file, 3, "/Contents 4 0 R", "/Contents [4 0 R 7 0 R]"), 0 }));
    forbidden(APPEND(file, { 7, stream("/Type /Metadata /Subtype /XML", "0 0 600 900 re f"), 0 }), SGN_F_CHANGE_FORBIDDEN,
              "metadata that is page content too may not change");
    file = rig_pdf("table", 200, pool);
    file = approve(APPEND(file, { 1, edited(file, 1, "/Pages", "/DSS <</CRLs 50 0 R>> /Pages"), 0 }, { 50, "[4 0 R]", 0 },
                          { 3, edited(file, 3, "/Contents 4 0 R", "/Contents 50 0 R"), 0 }));
    num = rig_next(file, pool);
    forbidden(APPEND(file, { 50, text("[4 0 R %d 0 R]", num), 0 }, { num, stream("", "0 0 600 900 re f"), 0 }), SGN_F_CHANGE_FORBIDDEN,
              "a list of evidence that is page content too may not grow");
    file = approve(rig_pdf("stream", 100, pool));
    forbidden(APPEND(file, { 8, stream("/Type /ObjStm /N 1 /First 4", "3 0 <</Type /Page>>"), 0 }), SGN_F_CHANGE_FORBIDDEN,
              "an object stream of the signed revision replaced");
}

/* ---- new fields ----------------------------------------------------------- */

static sgn_bytes_t with_field(sgn_bytes_t document, const char *field)
{
    int num = rig_next(document, pool), page = rig_page(document, pool);

    return APPEND(document, { num, field, 0 }, { page, with_annot(document, page, num), 0 },
                  { rig_form(document, pool), rig_with_field(document, num, pool), 0 });
}

static void fields(void)
{
    int form = rig_form(sealed, pool);

    forbidden(with_field(sealed, "<</FT /Tx /T (x) /Type /Annot /Subtype /Widget /Rect [0 0 100 100] /V (y)>>"), SGN_F_CHANGE_FORBIDDEN,
              "a new text field");
    forbidden(with_field(sealed, "<</FT /Sig /T (x) /Type /Annot /Subtype /Widget /Rect [0 0 100 100] /AP <</N 4 0 R>>>>"),
              SGN_F_CHANGE_FORBIDDEN, "a new visible signature field without a signature");
    forbidden(with_field(sealed, "<</FT /Sig /T (x) /V <</Type /Sig>> /Type /Annot /Subtype /Widget /Rect [0 0 100 100]>>"),
              SGN_F_CHANGE_FORBIDDEN, "a signature field whose value is no signature");
    forbidden(APPEND(sealed, { form, rig_with_field(sealed, 5, pool), 0 }), SGN_F_CHANGE_FORBIDDEN, "an old object as a new field");
    forbidden(foreign_signature(sealed, "", "/AA <</U <</S /JavaScript /JS (x)>>>>"), SGN_F_CHANGE_FORBIDDEN, "a new signature field with actions");
    forbidden(foreign_signature(sealed, "/Reference [<</TransformMethod /DocMDP /TransformParams <</P 2>>>>]", ""),
              SGN_F_CHANGE_FORBIDDEN, "a certification behind another signature");
    ok(sgn_report_has(first(rig_sign(approved, &(rig_sign_t){ .who = &pki->reviewer, .kind = "check", .field = "c", .box = { 310, 130, 60, 40 } }, pool))
                      ->findings, SGN_F_CHANGE_COVERS), "R11: a new widget over an earlier signature's is told");
}

/* ---- bytes of a revision -------------------------------------------------- */

static void bytes(void)
{
    sgn_bytes_t file = APPEND(sealed, { rig_next(sealed, pool), "<</Some /Thing>>          ", 0 });
    size_t at = rig_find(file, sealed.len, ">>          ");

    forbidden(rig_replace(file, at, "endobj", "endobi", pool), SGN_F_CHANGE_FORBIDDEN, "R5: no object at its offset");
    forbidden(rig_replace(rig_append(sealed, (rig_object_t[]){ { 60, "<</A 1>>\nendobj\n61 0 obj\n<</B 2>>", 0 }, { 0, NULL, 0 } }, NULL, pool),
                          sealed.len, "60 1", "60 1", pool), SGN_F_CHANGE_FORBIDDEN, "R5: an object that no entry lists");
    not_passed(rig_append(sealed, (rig_object_t[]){ { 60, "<</A 1>>", 0 }, { 0, NULL, 0 } }, "/Root 5 0 R", pool), SGN_F_STRUCTURE,
               "R6: a key twice in the trailer");
    not_passed(rig_append(sealed, (rig_object_t[]){ { rig_root(sealed, pool), edited(sealed, rig_root(sealed, pool), "/Pages 2 0 R", "/Pages 2 0 R/Pages 5 0 R"), 0 },
                                                   { 0, NULL, 0 } }, NULL, pool), SGN_F_DUPLICATE_KEY, "R6: a key twice in the catalog");
    {
        sgn_bytes_t plain = rig_pdf("table", 100, pool), two;

        two = APPEND(plain, { 1, "<</Type /Catalog /Pages 2 0 R /AcroForm 12 0 R>>", 0 },
                     { 3, edited(plain, 3, "/Contents 4 0 R", "/Contents 4 0 R/Contents 6 0 R"), 0 },
                     { 10, rig_placeholder("/Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached", pool), 0 },
                     { 11, "<</FT /Sig /T (x) /V 10 0 R /Type /Annot /Subtype /Widget /Rect [0 0 0 0] /F 132>>", 0 },
                     { 12, "<</Fields [11 0 R] /SigFlags 3>>", 0 });
        not_passed(rig_complete(two, plain.len, &(rig_sign_t){ .who = &pki->leader, .kind = "approve", .stamp = pki->now - HOUR }, pool),
                   SGN_F_DUPLICATE_KEY, "R6: a key twice in a page that was signed");
    }
    not_passed(rig_append(sealed, (rig_object_t[]){ { 60, "<</A 1>>", 0 }, { 0, NULL, 0 } }, "/Encrypt <</V 1>>", pool), SGN_F_STRUCTURE,
               "encryption added");
}

/* ---- locks and certifications --------------------------------------------- */

static sgn_bytes_t certified(int p)
{
    sgn_bytes_t document = rig_pdf("table", 100, pool), file;

    file = APPEND(document, { 1, "<</Type /Catalog /Pages 2 0 R /Metadata 7 0 R /AcroForm 12 0 R /Perms <</DocMDP 10 0 R>>>>", 0 },
                  { 10, rig_placeholder(text("/Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /Reference [<</Type /SigRef "
                    "/TransformMethod /DocMDP /TransformParams <</Type /TransformParams /P %d /V /1.2>>>>]", p), pool), 0 },
                  { 11, "<</FT /Sig /T (cert) /V 10 0 R /Type /Annot /Subtype /Widget /Rect [0 0 0 0] /F 132 /P 3 0 R>>", 0 },
                  { 12, "<</Fields [11 0 R] /SigFlags 3>>", 0 }, { 3, edited(document, 3, "/Contents", "/Annots [11 0 R] /Contents"), 0 });
    return rig_complete(file, document.len, &(rig_sign_t){ .who = &pki->leader, .kind = "approve", .stamp = pki->now - HOUR }, pool);
}

static void locks(void)
{
    sgn_bytes_t file, document = rig_pdf("table", 100, pool);

    is_int(first(certified(1))->indication, SGN_INDICATION_PASSED, "a certified document passes");
    permitted(rig_stamp(certified(1), pki->now - HOUR / 2, pool), SGN_F_CHANGE_TIMESTAMP, "P 1 permits a document time-stamp");
    forbidden(foreign_signature(certified(1), "", ""), SGN_F_CHANGE_LOCK, "P 1 permits no further signature");
    forbidden(foreign_signature(certified(2), "", ""), SGN_F_CHANGE_LOCK, "R10: P 2 permits no new visible field");

    file = APPEND(document, { 1, "<</Type /Catalog /Pages 2 0 R /AcroForm 12 0 R>>", 0 },
                  { 10, rig_placeholder("/Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached", pool), 0 },
                  { 11, "<</FT /Sig /T (all) /V 10 0 R /Lock <</Type /SigFieldLock /Action /All>> /Type /Annot /Subtype /Widget /Rect [0 0 0 0] /F 132 /P 3 0 R>>", 0 },
                  { 12, "<</Fields [11 0 R 13 0 R] /SigFlags 3>>", 0 },
                  { 13, "<</FT /Sig /T (later) /Type /Annot /Subtype /Widget /Rect [0 0 0 0] /F 132 /P 3 0 R>>", 0 },
                  { 3, edited(document, 3, "/Contents", "/Annots [11 0 R 13 0 R] /Contents"), 0 });
    file = rig_complete(file, document.len, &(rig_sign_t){ .who = &pki->leader, .kind = "approve", .stamp = pki->now - HOUR }, pool);
    document = file;
    file = APPEND(file, { 20, rig_placeholder("/Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached", pool), 0 },
                  { 13, edited(file, 13, "/FT", "/V 20 0 R /FT"), 0 });
    file = rig_complete(file, document.len, &(rig_sign_t){ .who = &pki->reviewer, .kind = "check", .stamp = pki->now - HOUR }, pool);
    forbidden(file, SGN_F_CHANGE_LOCK, "a lock over all fields keeps an empty field empty");
}

int main(void)
{
    apr_pool_create(&pool, tap_pool());
    pki = rig_pki();
    base = rig_pdf("table", 300, pool);
    approved = approve(base);
    sealed = seal(approved);
    good();
    reserved();
    shadows();
    fields();
    bytes();
    locks();
    apr_pool_destroy(pool);
    return done_testing();
}
