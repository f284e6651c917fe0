// First places for the boxes, read from the page's own text [NĐ 30/2020, PL I]:
// the number stands between "Số:" and the symbol, the day and month between
// their words, the signature above the signer's name.  Only a suggestion: the
// person sees the boxes and moves them.
'use strict';
const Suggest = (() => {
    const MM = 72 / 25.4, SEAL = 36 * MM;
    const plain = text => text.normalize('NFC').toLowerCase();

    // Pieces of text with their box, in displayed points from the lower left.
    async function pieces(pdf, number) {
        const page = await pdf.getPage(number), view = page.getViewport({ scale: 1 });
        const list = [];
        for (const item of (await page.getTextContent()).items) {
            if (!item.str.trim()) continue;
            const [x, y] = view.convertToViewportPoint(item.transform[4], item.transform[5]);
            list.push({ text: plain(item.str), x, y: view.height - y, width: item.width, height: item.height || 12 });
        }
        return list;
    }

    // Where a word ends or begins, by its share of the piece's letters.
    function edge(list, word, last, near) {
        for (const one of list) {
            const at = one.text.indexOf(word);
            if (at < 0 || (near && Math.abs(one.y - near.y) > 4) || (near && one.x + one.width < near.x)) continue;
            return { x: one.x + one.width * (at + (last ? word.length : 0)) / one.text.length, y: one.y, height: one.height };
        }
        return null;
    }

    function between(left, right, wide, page) {
        const room = right && right.x > left.x ? right.x - left.x - 4 : wide, width = Math.max(14, Math.min(wide, room));
        return { page, x: left.x + 2 + Math.max(0, (room - width) / 2), y: left.y - 4.8, width, height: Math.max(17, left.height + 4) };
    }

    async function places(pdf, pages, name) {
        const found = {}, first = await pieces(pdf, 1);
        const so = edge(first, 'số:', true), ngay = edge(first, 'ngày', true), thang = ngay && edge(first, 'tháng', false, ngay);
        const after = ngay && edge(first, 'tháng', true, ngay), nam = after && edge(first, 'năm', false, after);
        if (so) found.number = between(so, first.filter(one => one.text.trim().startsWith('/') && Math.abs(one.y - so.y) < 4).map(one => ({ x: one.x }))[0], 46, 1);
        if (ngay && thang) found.day = between(ngay, thang, 24, 1);
        if (after) found.month = between(after, nam, 24, 1);
        for (let page = pages; name && page > 0 && page > pages - 3; page--) {
            const line = (await pieces(pdf, page)).filter(one => one.text.includes(plain(name))).sort((a, b) => a.y - b.y)[0];
            if (!line) continue;
            const middle = line.x + line.width / 2, bottom = line.y + line.height + 2;
            found.signature = { page, x: middle - 57, y: bottom, width: 114, height: 57 };
            found.seal = { page, x: middle - 57 - SEAL * 2 / 3, y: bottom + 28 - SEAL / 2, width: SEAL, height: SEAL };
            break;
        }
        return found;
    }

    return { places };
})();
