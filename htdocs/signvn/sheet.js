// The page with its boxes: a preview by PDF.js where it can be had, else an
// empty A4 sheet.  Boxes are kept in PDF points, origin at the lower left of
// the page as displayed.
'use strict';
const Sheet = (() => {
    const { t, el, $ } = App;
    const MM = 72 / 25.4, SEAL = 36 * MM;
    const LABELS = { page: 'sign.page', x: 'box.left', y: 'box.bottom', width: 'box.width', height: 'box.height' };
    const SIZES = { signature: [170, 70], number: [46, 16], day: [24, 16], month: [24, 16], seal: [SEAL, SEAL] };
    let pdf = null, page = 1, pages = 1, width = 595.28, height = 841.89, scale = 1;
    let boxes = {}, wanted = ['signature'], chosen = 'signature', signed = false, reserved = false, rendering = null;

    const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
    const round = value => Math.round(value * 10) / 10;

    function fit(box) {
        box.width = clamp(box.width, 8, width);
        box.height = clamp(box.height, 8, height);
        box.x = round(clamp(box.x, 0, width - box.width));
        box.y = round(clamp(box.y, 0, height - box.height));
        box.width = round(box.width);
        box.height = round(box.height);
    }

    async function draw() {
        const sheet = $('sheet'), canvas = $('canvas');
        scale = Math.max(.4, (sheet.parentElement.clientWidth - 24) / width);
        sheet.style.width = `${width * scale}px`;
        sheet.style.height = `${height * scale}px`;
        $('page').textContent = `${page} ${t('sheet.of')} ${pages}`;
        if (pdf) {
            const one = await pdf.getPage(page), ratio = window.devicePixelRatio || 1;
            const viewport = one.getViewport({ scale: scale * ratio });
            canvas.width = viewport.width;
            canvas.height = viewport.height;
            if (rendering) rendering.cancel();
            rendering = one.render({ canvasContext: canvas.getContext('2d'), viewport });
            await rendering.promise.catch(() => {});
        } else {
            canvas.width = canvas.height = 1;
        }
        drawBoxes();
    }

    function drawBoxes() {
        const sheet = $('sheet'), focused = document.activeElement && document.activeElement.closest('.box'), again = focused && focused.dataset.name;
        for (const old of [...sheet.querySelectorAll('.box')]) old.remove();
        for (const name of wanted) {
            const box = boxes[name];
            if (!box || box.page !== page) continue;
            const node = el('div', { class: `box ${name}${name === chosen ? ' chosen' : ''}`, 'data-name': name, tabindex: 0, role: 'button', 'aria-label': where(name),
                on: { keydown: event => step(event, name), focus: () => { if (chosen !== name) { chosen = name; drawBoxes(); } } } },
            t(`box.${name}`), name === 'signature' ? el('i', {}) : null);
            node.style.left = `${box.x * scale}px`;
            node.style.top = `${(height - box.y - box.height) * scale}px`;
            node.style.width = `${box.width * scale}px`;
            node.style.height = `${box.height * scale}px`;
            sheet.append(node);
            if (name === again) node.focus();
        }
        drawTable();
    }

    const mm = points => Math.round(points / MM * 10) / 10;
    const where = name => `${t(`box.${name}`)}: ${t('sign.page')} ${boxes[name].page}, ${t('box.left')} ${mm(boxes[name].x)} mm, ${t('box.bottom')} ${mm(boxes[name].y)} mm`;

    // The arrow keys move a box by a millimetre, with Shift by ten.
    function step(event, name) {
        const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key], box = boxes[name];
        if (!by) return;
        event.preventDefault();
        box.x += by[0] * MM * (event.shiftKey ? 10 : 1);
        box.y += by[1] * MM * (event.shiftKey ? 10 : 1);
        fit(box);
        drawBoxes();
    }

    function drawTable() {
        const body = $('boxes');
        if (body.contains(document.activeElement) && document.activeElement.tagName === 'INPUT') return;
        body.replaceChildren(...wanted.map(name => {
            const box = boxes[name] || {};
            const field = key => el('td', {}, el('input', {
                type: 'number', step: 'any', value: box[key] === undefined ? '' : key === 'page' ? box[key] : mm(box[key]), 'aria-label': `${t(`box.${name}`)}: ${t(LABELS[key])}`, disabled: name === 'seal' && (key === 'width' || key === 'height'),
                on: { change: event => typed(name, key, parseFloat(event.target.value)) },
            }));
            return el('tr', {}, el('td', {}, el('label', { class: 'choice' }, el('input', {
                type: 'radio', name: 'box', checked: name === chosen, on: { change: () => { chosen = name; drawBoxes(); } },
            }), t(`box.${name}`))), field('page'), field('x'), field('y'), field('width'), field('height'));
        }));
    }

    function typed(name, key, value) {
        if (!Number.isFinite(value)) return;
        const box = boxes[name] || (boxes[name] = { page, x: 0, y: 0, width: SIZES[name][0], height: SIZES[name][1] });
        box[key] = key === 'page' ? clamp(Math.round(value), 1, pages) : value * MM;
        fit(box);
        document.activeElement.blur();
        if (box.page !== page) { page = box.page; turn(0); } else drawBoxes();
    }

    // A click places the chosen box; a press on a box moves or sizes it.
    function press(event) {
        const sheet = $('sheet'), area = sheet.getBoundingClientRect(), grip = event.target.closest('.box');
        const at = e => [(e.clientX - area.left) / scale, height - (e.clientY - area.top) / scale];
        let [x, y] = at(event), sizing = event.target.tagName === 'I';
        if (grip) chosen = grip.dataset.name;
        if (!wanted.includes(chosen)) return;
        if (!grip) {
            const [w, h] = boxes[chosen] ? [boxes[chosen].width, boxes[chosen].height] : SIZES[chosen];
            boxes[chosen] = { page, x: x - w / 2, y: y - h / 2, width: w, height: h };
            fit(boxes[chosen]);
            sizing = false;
        }
        const box = boxes[chosen], start = { ...box };
        const move = e => {
            const [nx, ny] = at(e);
            if (sizing) Object.assign(box, { width: start.width + nx - x, height: start.height - (ny - y), y: start.y + (ny - y) });
            else Object.assign(box, { x: start.x + nx - x, y: start.y + ny - y });
            fit(box);
            drawBoxes();
        };
        const up = () => { window.removeEventListener('pointermove', move); window.removeEventListener('pointerup', up); };
        window.addEventListener('pointermove', move);
        window.addEventListener('pointerup', up);
        event.preventDefault();
        drawBoxes();
    }

    async function turn(by) {
        page = clamp(page + by, 1, pages);
        if (pdf) {
            const view = (await pdf.getPage(page)).getViewport({ scale: 1 });
            width = view.width;
            height = view.height;
        }
        return draw();
    }

    // What the file holds already: our reserved fields, signatures with a value.
    async function inspect() {
        signed = reserved = false;
        for (let n = 1; n <= Math.min(pages, 50); n++) {
            const list = await (await pdf.getPage(n)).getAnnotations().catch(() => []);
            for (const one of list) {
                if (one.fieldName === 'sgn_seal') reserved = true;
                if (one.fieldType === 'Sig' && one.fieldName !== 'sgn_seal') signed = true;
            }
        }
    }

    // name: of the signer, whose place is looked for; kept: boxes placed before.
    async function open(file, name, kept) {
        pdf = null;
        boxes = kept || {};
        page = pages = 1;
        width = 595.28;
        height = 841.89;
        $('sheet-note').textContent = '';
        if (window.pdfjsLib) {
            try {
                pdfjsLib.GlobalWorkerOptions.workerSrc = 'pdfjs/build/pdf.worker.js';
                pdf = await pdfjsLib.getDocument({ data: await file.arrayBuffer(), isEvalSupported: false, enableXfa: false, stopAtErrors: false }).promise;
                pages = pdf.numPages;
                await inspect();
            } catch (error) {
                pdf = null;
            }
        }
        if (!pdf) $('sheet-note').textContent = t('sheet.plain');
        else if (reserved) $('sheet-note').textContent = t('sheet.reserved');
        await turn(0);
        if (pdf && !kept)
            for (const [key, box] of Object.entries(await Suggest.places(pdf, pages, name).catch(() => ({})))) {
                boxes[key] = box;
                fit(box);
            }
        fill(Object.keys(SIZES));
        return { signed, reserved, boxes, title: await titleOf() };
    }

    async function titleOf() {
        const about = pdf ? await pdf.getMetadata().catch(() => null) : null;
        return (about && about.info && about.info.Title) || '';
    }

    // A first place for what has none, as NĐ 30 lays a page out.
    function fill(names) {
        const first = { signature: [width - 250, 150], number: [100, height - 118], day: [width - 195, height - 118], month: [width - 135, height - 118], seal: [width - 300, 140] };
        for (const name of names)
            if (!boxes[name]) {
                boxes[name] = { page: name === 'signature' || name === 'seal' ? pages : 1, x: first[name][0], y: first[name][1], width: SIZES[name][0], height: SIZES[name][1] };
                fit(boxes[name]);
            }
    }

    // Which boxes are asked for.
    function want(names) {
        fill(names);
        wanted = names;
        if (!names.includes(chosen)) chosen = names[0];
        drawBoxes();
    }

    function start() {
        $('sheet').addEventListener('pointerdown', press);
        $('previous').addEventListener('click', () => turn(-1));
        $('next').addEventListener('click', () => turn(1));
        let timer;
        window.addEventListener('resize', () => { clearTimeout(timer); timer = setTimeout(draw, 150); });
        draw();
    }

    return { start, open, want, box: name => boxes[name] };
})();
