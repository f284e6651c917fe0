// A validation report in words: the verdict, then each signature with its
// three results apart.  All wording is in i18n.js; texts of findings come with
// the report in both languages.
'use strict';
const Report = (() => {
    const { t, el, icon, time, size } = App;

    const look = indication => indication === 'TOTAL-PASSED' ? 'good' : indication === 'TOTAL-FAILED' ? 'bad' : 'unsure';
    // A status of one result: valid/PASSED, invalid/FAILED, everything else is not enough to tell.
    function lookOf(result) {
        const status = String((result && result.status) || '').toUpperCase();
        if (['VALID', 'PASSED', 'GOOD', 'OK', 'TOTAL-PASSED'].includes(status)) return 'good';
        if (['INVALID', 'FAILED', 'BAD', 'TOTAL-FAILED'].includes(status)) return 'bad';
        return 'unsure';
    }

    function facts(list) {
        const dl = el('dl', { class: 'facts' });
        for (const [key, value] of list)
            if (value !== undefined && value !== null && value !== '') dl.append(el('dt', {}, t(key)), el('dd', {}, value));
        return dl;
    }

    function findings(list) {
        if (!list || !list.length) return null;
        return el('ul', { class: 'findings' }, ...list.map(one => el('li', { class: 'finding' },
            el('span', { class: `mark ${one.severity}` }, icon(one.severity === 'error' ? 'bad' : one.severity === 'info' ? 'info' : 'unsure')),
            el('div', {}, one[App.language()] || one.code, el('small', {}, [one.code, one.clause].filter(Boolean).join(' · '))))));
    }

    function three(signature) {
        return el('div', { class: 'three' }, ...['integrity', 'certificateValidity', 'certificationPath'].map(key => {
            const kind = lookOf(signature[key]);
            return el('div', { class: `one is-${kind}` }, icon(kind), el('div', {},
                el('b', {}, `${t(`three.${key}`)}: ${t(`one.${kind}`)}`), el('small', {}, t(kind === 'unsure' ? 'three.unsure' : `three.${key}.${kind}`))));
        }));
    }

    // What only a specialist asks for stays folded, except on paper.
    function folded(list) {
        const inner = facts(list);
        return inner.children.length ? el('details', { class: 'more' }, el('summary', {}, t('report.more')), inner) : null;
    }

    function one(signature) {
        const signer = signature.signer || {}, stamp = signature.type === 'timestamp', kind = look(signature.indication);
        return el('article', { class: `signature is-${kind}` },
            el('h3', {}, icon(kind), ' ', stamp ? t('signature.timestamp') : signer.commonName || signature.name || '', ': ', el('span', { class: `word-${kind}` }, t(`verdict.${signature.indication}`))),
            three(signature),
            findings((signature.findings || []).filter(one => one.severity !== 'info')),
            facts([
                ['fact.title', signer.title], ['fact.organisation', signer.organisation === signer.commonName ? null : signer.organisation],
                ['fact.kind', stamp ? null : t(`kind.${signature.kind || 'unknown'}`)],
                ['fact.role', stamp ? null : t(`role.${signature.role || 'unknown'}`)],
                ['fact.bestTime', time(signature.bestTime)],
                ['fact.changes', signature.changesAfter ? t(`changes.${signature.changesAfter}`) : null],
            ]),
            findings((signature.findings || []).filter(one => one.severity === 'info')),
            folded([
                ['fact.claimedTime', time(signature.claimedTime)], ['fact.issuer', signer.issuer], ['fact.serial', signer.serial],
                ['fact.level', [signature.format, signature.level].filter(Boolean).join(' ')], ['fact.algorithm', signature.algorithm],
                ['fact.subIndication', signature.subIndication],
            ]));
    }

    // The first thing that went wrong says what to do about it.
    function reason(report) {
        const all = [...(report.findings || []), ...(report.signatures || []).flatMap(one => one.findings || [])];
        const first = all.find(one => one.severity === 'error') || (report.indication === 'INDETERMINATE' ? all.find(one => one.severity === 'warning') : null);
        return first ? first[App.language()] || first.code : '';
    }

    function show(where, report) {
        const kind = look(report.indication), file = report.document || {};
        where.replaceChildren(
            el('div', { class: `verdict is-${kind}`, role: 'status', tabindex: -1 }, icon(kind), el('div', {},
                el('b', {}, t(`verdict.${report.indication}`)),
                el('p', {}, report.legalValue ? t(`legal.${report.legalValue}`) : ''),
                reason(report) ? el('p', { class: 'reason' }, reason(report)) : null)),
            ...(report.signatures || []).map(one),
            el('section', { class: 'card' }, facts([
                ['fact.file', file.name], ['fact.time', time(report.validationTime)],
            ]), findings(report.findings), folded([
                ['fact.size', file.size ? size(file.size) : null], ['fact.sha256', file.sha256 ? el('span', { class: 'mono' }, file.sha256) : null],
            ])));
        App.show(where);
    }

    // Paper cannot be unfolded.
    window.addEventListener('beforeprint', () => { for (const one of document.querySelectorAll('details.more')) one.open = true; });

    return { show, facts, findings };
})();
