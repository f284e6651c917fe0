// Searching the archive, one document's record, its original and its fixity.
'use strict';
(() => {
    const { t, $, el, time, size, request } = App;
    let query = null, next = null;

    const title = item => [item.number, item.symbol].filter(Boolean).join('/') || item.name || item.id;
    const why = list => [].concat(list || []).map(one => typeof one === 'string' ? one : [t(`why.${one.field}`), one.text].filter(Boolean).join(': ')).join('; ');

    async function search(event, after) {
        if (event) event.preventDefault();
        if (!after) {
            query = new URLSearchParams();
            for (const key of ['q', 'number', 'symbol', 'from', 'to']) if ($(key).value.trim()) query.set(key, $(key).value.trim());
            $('rows').replaceChildren();
            $('one').hidden = true;
        }
        const params = new URLSearchParams(query);
        App.working($('message'), t('archive.working'));
        if (after) params.set('after', after);
        try {
            const answer = await request('GET', `archive?${params}`), items = answer.items || [];
            App.quiet($('message'));
            $('found').hidden = false;
            $('count').textContent = answer.total !== undefined ? `${answer.total} ${t('archive.count')}` : answer.atLeast !== undefined ? `${t('archive.atLeast')} ${answer.atLeast} ${t('archive.count')}` : '';
            if (!items.length && !after) $('rows').replaceChildren(el('tr', {}, el('td', { colspan: 4 }, t('archive.none'))));
            $('rows').append(...items.map(item => el('tr', {},
                el('td', {}, el('button', { type: 'button', on: { click: () => open(item.id) } }, title(item))),
                el('td', {}, time(item.date)), el('td', {}, item.subject || ''), el('td', { class: 'hint' }, why((item.why || []).filter(one => one.text !== item.subject))))));
            next = answer.next || null;
            $('more').hidden = !next;
        } catch (error) {
            App.sayError($('message'), error);
        }
    }

    const copies = list => (list || []).map(one => `${one.target}: ${one.copied ? time(one.lastOk) : t('copy.not')}${one.verified ? `, ${t('copy.checked')} ${time(one.verified)}` : ''}`).join('; ');

    async function open(id) {
        const path = `archive/${encodeURIComponent(id).replace(/%3A/g, ':')}`;
        try {
            const item = await request('GET', path), outcome = el('div', { 'aria-live': 'polite' });
            const check = el('button', { type: 'button', on: { click: async () => {
                App.working(outcome, t('working'));
                try {
                    const answer = await request('POST', `${path}/fixity`, { body: {} });
                    App.say(outcome, answer.ok ? 'good' : 'bad', t(answer.ok ? 'fixity.ok' : 'fixity.bad'));
                } catch (error) { App.sayError(outcome, error); }
            } } }, t('archive.fixity'));
            const list = [['fact.id', el('span', { class: 'mono' }, item.id)], ['fact.agency', item.agencyName || item.agency], ['fact.signers', (item.signers || []).join(', ')],
                ['fact.legal', item.legalValue ? t(`legal.${item.legalValue}`) : null], ['fact.received', time(item.received)], ['fact.size', item.size ? size(item.size) : null],
                ['fact.sha256', el('span', { class: 'mono' }, item.sha256 || '')],
                ['fact.fixity', item.fixity ? `${t(`fixity.${item.fixity.result}`)} ${time(item.fixity.checked)}` : null], ['fact.copies', copies(item.copies)]];
            const dl = el('dl', { class: 'facts' });
            for (const [key, value] of list) if (value) dl.append(el('dt', {}, t(key)), el('dd', {}, value));
            $('one').replaceChildren(el('h2', { tabindex: -1 }, `${title(item)} – ${time(item.date)}`), el('p', {}, item.subject || ''), dl,
                el('div', { class: 'actions' }, el('a', { class: 'button', href: `${App.API}/${path}/original`, download: item.name || 'document.pdf' }, t('archive.original')), check), outcome);
            $('one').hidden = false;
            App.show($('one'));
        } catch (error) {
            App.sayError($('message'), error);
        }
    }

    App.start(() => {
        $('form').addEventListener('submit', search);
        $('more').addEventListener('click', () => search(null, next));
        const asked = new URLSearchParams(location.search);
        for (const key of ['q', 'number', 'symbol', 'from', 'to']) if (asked.get(key)) $(key).value = asked.get(key);
        if (asked.get('id')) open(asked.get('id'));
        else if ([...asked.keys()].length) search(null, null);
    });
})();
