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
            return el('div', { class: `one is-${kind}` }, icon(kind), el('div', {}, el('b', {}, t(`three.${key}`)), el('small', {}, t(`one.${kind}`))));
        }));
    }

    function one(signature) {
        const signer = signature.signer || {}, stamp = signature.type === 'timestamp', kind = look(signature.indication);
        return el('article', { class: `signature is-${kind}` },
            el('h3', {}, stamp ? t('signature.timestamp') : signer.commonName || signature.name || ''),
            el('div', {}, `${t(`verdict.${signature.indication}`)}${signature.subIndication ? ` (${signature.subIndication})` : ''}`),
            three(signature),
            facts([
                ['fact.title', signer.title], ['fact.organisation', signer.organisation],
                ['fact.kind', stamp ? null : t(`kind.${signature.kind || 'unknown'}`)],
                ['fact.role', stamp ? null : t(`role.${signature.role || 'unknown'}`)],
                ['fact.bestTime', time(signature.bestTime)], ['fact.claimedTime', time(signature.claimedTime)],
                ['fact.changes', signature.changesAfter ? t(`changes.${signature.changesAfter}`) : null],
                ['fact.issuer', signer.issuer], ['fact.serial', signer.serial],
                ['fact.level', [signature.format, signature.level].filter(Boolean).join(' ')], ['fact.algorithm', signature.algorithm],
            ]),
            findings(signature.findings));
    }

    function show(where, report) {
        const kind = look(report.indication), file = report.document || {};
        where.replaceChildren(
            el('div', { class: `verdict is-${kind}`, role: 'status' }, icon(kind), el('div', {},
                el('b', {}, t(`verdict.${report.indication}`)),
                el('p', {}, report.legalValue ? t(`legal.${report.legalValue}`) : ''))),
            el('section', { class: 'card' }, facts([
                ['fact.file', file.name], ['fact.size', file.size ? size(file.size) : null],
                ['fact.sha256', file.sha256 ? el('span', { class: 'mono' }, file.sha256) : null],
                ['fact.time', time(report.validationTime)],
            ]), findings(report.findings)),
            ...(report.signatures || []).map(one));
        where.scrollIntoView({ block: 'start' });
    }

    return { show, facts, findings };
})();
