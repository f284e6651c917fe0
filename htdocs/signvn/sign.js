// Signing: the form, the job, its progress with the match code, the result.
'use strict';
(() => {
    const { t, $, el, request } = App;
    const FINAL = ['done', 'partial', 'rejected', 'expired', 'cancelled', 'failed'];
    const STEPS = ['prepared', 'claimed', 'displayed', 'authorised', 'signing', 'returned', 'done'];
    // Each chosen file with what it holds, its boxes and its subject.
    let files = [], current = -1, session = {}, job = null, stopped = false, loading = Promise.resolve();

    const kind = () => document.querySelector('input[name=kind]:checked').value;

    function credentials() {
        const wanted = kind() === 'seal' ? 'agency' : 'person', list = (session.credentials || []).filter(one => one.kind === wanted);
        $('credential').replaceChildren(el('option', { value: '' }, t('credential.auto')),
            ...list.map(one => el('option', { value: one.credentialID, 'data-agency': one.agency }, [one.commonName, one.title, one.agency].filter(Boolean).join(' – '))));
        if (list.length === 1) $('credential').selectedIndex = 1;
        $('credential-hint').textContent = list.length ? '' : t('credential.none');
    }

    const fresh = one => !one.signed && !one.reserved;
    const shown = () => files[current] || { signed: false, reserved: false };

    function arrange() {
        const seal = kind() === 'seal', reserving = fresh(shown()) && $('reserve').checked && !seal;
        $('numbering').hidden = !seal;
        $('number').parentElement.hidden = files.length > 1;
        $('reserve-row').hidden = seal || (files.length > 0 && !files.some(fresh));
        $('places').hidden = seal;
        $('send').textContent = files.length > 1 ? `${t('sign.goMany')} ${files.length} ${t('archive.count')}` : t('sign.goOne');
        credentials();
        Sheet.want(seal ? [] : reserving ? ['signature', 'number', 'day', 'month', 'seal'] : ['signature']);
    }

    const rect = box => ({ page: box.page, x: box.x, y: box.y, width: box.width, height: box.height });

    function describeOne(file, part) {
        const text = id => $(id).value.trim() || undefined;
        const one = { part, kind: kind(), secrecy: 'none', subject: file.subject.trim() || undefined, type: text('type'), symbol: text('symbol') };
        if (one.kind === 'seal') {
            if (files.length === 1) one.number = text('number');
            one.date = text('date');
        } else {
            one.placement = rect(file.boxes.signature);
            one.reserve = 'none';
            if (fresh(file) && $('reserve').checked)
                one.reserve = Object.fromEntries(['number', 'day', 'month', 'seal'].map(name => [name, rect(file.boxes[name])]));
        }
        return one;
    }

    function describe() {
        const option = $('credential').selectedOptions[0], roles = session.roles || [];
        keep();
        return { agency: (option && option.dataset.agency) || (roles[0] && roles[0].agency), credential: (option && option.value) || undefined, documents: files.map(describeOne) };
    }

    // ---- the files ----------------------------------------------------------
    function keep() {
        if (files[current]) files[current].subject = $('subject').value;
    }

    function list() {
        $('files').hidden = files.length < 2;
        $('files').replaceChildren(...files.map((one, i) => el('li', {}, el('button', { type: 'button', 'aria-pressed': String(i === current), on: { click: () => turnTo(i) } }, one.file.name))));
    }

    async function turnTo(index) {
        keep();
        current = index;
        const one = files[index];
        if (one) {
            await Sheet.open(one.file, null, one.boxes);
            $('subject').value = one.subject;
        }
        list();
        arrange();
    }

    async function choose() {
        const signer = (session.credentials || []).find(one => one.kind === 'person'), name = signer ? signer.commonName : session.name;
        files = [];
        current = -1;
        $('subject').disabled = true;       // it is about to be filled in
        const chosen = [...$('file').files];
        for (const file of chosen) {
            if (chosen.length > 1) $('reading').textContent = `${t('sign.reading')} ${files.length + 1}/${chosen.length}`;
            const found = await Sheet.open(file, name);
            files.push({ file, ...found, subject: found.title || file.name.replace(/\.pdf$/i, '') });
        }
        $('reading').textContent = chosen.length > 1 ? `${chosen.length} ${t('archive.count')}` : '';
        await turnTo(0);
        $('subject').disabled = false;
    }

    // What is missing is said beside the button, and the keyboard is taken there.
    function ask(text, field) {
        App.say($('asked'), 'bad', text);
        field.setAttribute('aria-invalid', 'true');
        field.focus();
        field.addEventListener('change', () => { field.removeAttribute('aria-invalid'); App.quiet($('asked')); }, { once: true });
    }

    async function send(event) {
        event.preventDefault();
        App.quiet($('message'));
        App.quiet($('asked'));
        $('report').replaceChildren();
        await loading;      // the files may still be read
        if (!files.length) return ask(t('choose.file'), $('file'));
        if (!$('secrecy').checked) return ask(t('choose.secrecy'), $('secrecy'));
        const form = new FormData();
        form.append('job', JSON.stringify(describe()));     // first, so that nothing is sent on when it is refused
        for (const one of files) form.append('document', one.file, one.file.name);
        $('send').disabled = true;
        App.working($('asked'), t('sign.sending'));
        try {
            job = await request('POST', 'jobs', { body: form, headers: { 'SignVN-Secrecy': 'none', 'Idempotency-Key': crypto.randomUUID ? crypto.randomUUID() : String(Date.now()) + Math.random().toString(36).slice(2) } });
            $('form').hidden = true;
            $('progress').hidden = false;
            $('match').textContent = job.matchCode || '';
            App.quiet($('asked'));
            App.show($('progress'));
            follow();
        } catch (error) {
            App.sayError($('asked'), error);
            $('asked').scrollIntoView({ block: 'center' });
        }
        $('send').disabled = false;
    }

    function steps() {
        const now = job.state === 'offered' || job.state === 'new' ? 'prepared' : job.state === 'embedded' ? 'returned' : job.state;
        const at = STEPS.indexOf(now);
        if ($('now').textContent !== t(`state.${now}`)) $('now').textContent = t(`state.${now}`);     // for those who hear the page
        $('steps').replaceChildren(...(at < 0 ? [el('li', { class: 'now' }, t(`state.${now}`))]
            : STEPS.map((step, i) => el('li', { class: i < at || now === 'done' ? 'past' : i === at ? 'now' : '', 'aria-current': i === at ? 'step' : null }, t(`state.${step}`)))));
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
        $('progress').hidden = true;
        $('result').hidden = false;
        $('items').replaceChildren(el('p', {}, el('b', {}, t(`state.${job.state}`))), ...(job.items || []).map(outcome));
        $('all').hidden = document.querySelectorAll('a.download').length < 2;
        App.show($('result'));
    }

    // One after another, as a hand would: browsers drop some of many at once.
    async function downloadAll() {
        for (const link of document.querySelectorAll('a.download')) {
            link.click();
            await new Promise(done => setTimeout(done, 400));
        }
    }

    // One document: what became of it, where it is.
    function outcome(item) {
        const name = files[item.n] ? files[item.n].file.name : '', good = item.state === 'done';
        const words = item[App.language()] || item.vi, cause = item.cause;
        return el('div', { class: `message ${good ? 'good' : 'bad'}` },
            el('div', {}, el('b', {}, name), ` – ${t(`state.${item.state}`)}`),
            item.number ? el('div', {}, `${t('fact.number')}: ${[item.number, item.symbol].filter(Boolean).join('/')}`) : null,
            item.archived ? el('div', {}, el('a', { href: `archive.html?id=${encodeURIComponent(item.archived)}` }, `${t('fact.id')}: ${item.archived}`)) : null,
            words ? el('div', {}, words) : null, item.reason ? el('div', {}, item.reason) : null,
            cause ? el('div', {}, `${t('sign.cause')} ${cause.n + 1}${files[cause.n] ? ` (${files[cause.n].file.name})` : ''}: ${cause[App.language()] || cause.vi || cause.code}`) : null,
            item.code ? el('div', { class: 'hint' }, el('code', {}, item.code)) : null,
            good && !item.gone ? el('div', { class: 'actions' }, el('a', { class: 'button download', href: `${App.API}/jobs/${job.id}/documents/${item.n}`, download: name }, t('sign.download')),
                el('button', { type: 'button', class: 'check', on: { click: () => check(item.n, name) } }, t('sign.checkResult'))) : null);
    }

    async function check(n, name) {
        App.working($('report'), t('working'));
        try {
            const answer = await request('GET', `jobs/${job.id}/documents/${n}`, { raw: true, headers: { Accept: 'application/pdf' } });
            const form = new FormData();
            form.append('document', await answer.blob(), name);
            Report.show($('report'), await request('POST', 'validations', { body: form }));
        } catch (error) {
            App.sayError($('report'), error);
        }
    }

    App.start(found => {
        session = found;
        const kinds = (session.credentials || []).map(one => one.kind);
        if (kinds.includes('agency') && !kinds.includes('person')) document.querySelector('input[value=seal]').checked = true;   // the clerk's daily work
        Sheet.start();
        arrange();
        for (const radio of document.querySelectorAll('input[name=kind]')) radio.addEventListener('change', arrange);
        $('reserve').addEventListener('change', arrange);
        $('file').addEventListener('change', () => { loading = choose(); });
        $('form').addEventListener('submit', send);
        $('cancel').addEventListener('click', () => request('DELETE', `jobs/${job.id}`).catch(error => App.sayError($('message'), error)));
        $('all').addEventListener('click', downloadAll);
        $('another').addEventListener('click', () => location.reload());
    });
})();
