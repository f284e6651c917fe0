// Signing: the form, the job, its progress with the match code, the result.
'use strict';
(() => {
    const { t, $, el, request } = App;
    const FINAL = ['done', 'partial', 'rejected', 'expired', 'cancelled', 'failed'];
    const STEPS = ['prepared', 'claimed', 'displayed', 'authorised', 'signing', 'returned', 'done'];
    let session = {}, inFile = { signed: false, reserved: false }, job = null, stopped = false;

    const kind = () => document.querySelector('input[name=kind]:checked').value;

    function credentials() {
        const wanted = kind() === 'seal' ? 'agency' : 'person', list = (session.credentials || []).filter(one => one.kind === wanted);
        $('credential').replaceChildren(el('option', { value: '' }, t('credential.auto')),
            ...list.map(one => el('option', { value: one.credentialID, 'data-agency': one.agency }, [one.commonName, one.title, one.agency].filter(Boolean).join(' – '))));
        if (list.length === 1) $('credential').selectedIndex = 1;
        $('credential-hint').textContent = list.length ? '' : t('credential.none');
    }

    function arrange() {
        const seal = kind() === 'seal', reserving = !inFile.signed && !inFile.reserved && $('reserve').checked && !seal;
        $('numbering').hidden = !seal;
        $('reserve-row').hidden = seal || inFile.signed || inFile.reserved;
        $('places').hidden = seal;
        credentials();
        Sheet.want(seal ? [] : reserving ? ['signature', 'number', 'day', 'month', 'seal'] : ['signature']);
    }

    const rect = box => ({ page: box.page, x: box.x, y: box.y, width: box.width, height: box.height });

    function describe() {
        const text = id => $(id).value.trim() || undefined, option = $('credential').selectedOptions[0];
        const one = { part: 0, kind: kind(), secrecy: 'none', subject: text('subject'), type: text('type'), symbol: text('symbol') };
        if (one.kind === 'seal') {
            one.number = text('number');
            one.date = text('date');
        } else {
            one.placement = rect(Sheet.box('signature'));
            one.reserve = 'none';
            if (!inFile.signed && !inFile.reserved && $('reserve').checked)
                one.reserve = Object.fromEntries(['number', 'day', 'month', 'seal'].map(name => [name, rect(Sheet.box(name))]));
        }
        const roles = session.roles || [];
        return { agency: (option && option.dataset.agency) || (roles[0] && roles[0].agency), credential: (option && option.value) || undefined, documents: [one] };
    }

    async function send(event) {
        event.preventDefault();
        const file = $('file').files[0];
        App.quiet($('message'));
        $('report').replaceChildren();
        if (!file) return App.say($('message'), 'bad', t('choose.file'));
        if (!$('secrecy').checked) return App.say($('message'), 'bad', t('choose.secrecy'));
        const form = new FormData();
        form.append('job', JSON.stringify(describe()));     // first, so that nothing is sent on when it is refused
        form.append('document', file, file.name);
        $('send').disabled = true;
        try {
            job = await request('POST', 'jobs', { body: form, headers: { 'SignVN-Secrecy': 'none', 'Idempotency-Key': crypto.randomUUID ? crypto.randomUUID() : String(Date.now()) + Math.random().toString(36).slice(2) } });
            $('form').hidden = true;
            $('progress').hidden = false;
            $('match').textContent = job.matchCode || '';
            $('progress').scrollIntoView();
            follow();
        } catch (error) {
            App.sayError($('message'), error);
            $('message').scrollIntoView({ block: 'center' });
        }
        $('send').disabled = false;
    }

    function steps() {
        const now = job.state === 'offered' || job.state === 'new' ? 'prepared' : job.state === 'embedded' ? 'returned' : job.state;
        const at = STEPS.indexOf(now);
        $('steps').replaceChildren(...(at < 0 ? [el('li', { class: 'now' }, t(`state.${now}`))]
            : STEPS.map((step, i) => el('li', { class: i < at || now === 'done' ? 'past' : i === at ? 'now' : '' }, t(`state.${step}`)))));
    }

    // Asks until the job is over; the server answers at once when something changed.
    async function follow() {
        let etag = null;
        stopped = false;
        while (!FINAL.includes(job.state) && !stopped) {
            steps();
            try {
                const answer = await request('GET', `jobs/${job.id}?wait=25`, { raw: true, headers: etag ? { 'If-None-Match': etag } : {} });
                etag = answer.headers.get('ETag') || etag;
                if (answer.status === 200) job = { ...job, ...await answer.json() };
                if (job.deskOnline === false) App.say($('message'), '', t('desk.offline'));
                else App.quiet($('message'));
            } catch (error) {
                App.sayError($('message'), error);
                if (error.status >= 400 && error.status < 500) return;
                await new Promise(done => setTimeout(done, 2000));
            }
        }
        if (!stopped) finished();
    }

    function finished() {
        steps();
        $('progress').hidden = true;
        $('result').hidden = false;
        $('items').replaceChildren(el('p', {}, el('b', {}, t(`state.${job.state}`))), ...(job.items || []).filter(item => item.state !== 'done' || item.number || item.archived).map(item => el('div', {
            class: `message ${item.state === 'done' ? 'good' : 'bad'}`,
        }, item.state === 'done' ? t('fact.number') : t(`state.${item.state}`), item.number ? `: ${[item.number, item.symbol].filter(Boolean).join('/')}` : '',
        item.archived ? el('div', {}, el('a', { href: `archive.html?id=${encodeURIComponent(item.archived)}` }, `${t('fact.id')}: ${item.archived}`)) : null,
        item[App.language()] || item.vi ? el('div', {}, item[App.language()] || item.vi) : null, item.reason ? el('div', {}, item.reason) : null,
        item.code ? el('div', { class: 'hint' }, el('code', {}, item.code)) : null)));
        const good = (job.items || []).some(item => item.state === 'done');
        $('download').hidden = $('check').hidden = !good;
        $('download').href = `${App.API}/jobs/${job.id}/documents/0`;
    }

    async function check() {
        try {
            const answer = await request('GET', `jobs/${job.id}/documents/0`, { raw: true, headers: { Accept: 'application/pdf' } });
            const form = new FormData();
            form.append('document', await answer.blob(), $('file').files[0].name);
            const report = await request('POST', 'validations', { body: form });
            Report.show($('report'), report);
        } catch (error) {
            App.sayError($('message'), error);
        }
    }

    App.start(found => {
        session = found;
        Sheet.start();
        arrange();
        for (const radio of document.querySelectorAll('input[name=kind]')) radio.addEventListener('change', arrange);
        $('reserve').addEventListener('change', arrange);
        $('file').addEventListener('change', async () => {
            if (!$('file').files[0]) return;
            const signer = (session.credentials || []).find(one => one.kind === 'person');
            inFile = await Sheet.open($('file').files[0], signer ? signer.commonName : session.name);
            arrange();
        });
        $('form').addEventListener('submit', send);
        $('cancel').addEventListener('click', () => request('DELETE', `jobs/${job.id}`).catch(error => App.sayError($('message'), error)));
        $('check').addEventListener('click', check);
        $('another').addEventListener('click', () => location.reload());
    });
})();
