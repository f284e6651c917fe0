// Backups: targets, runs, a run by hand, a verification by hand.
'use strict';
(() => {
    const { t, $, el, time, request } = App;

    const word = state => state ? t(`state.${state}`).replace(/^state\./, '') : '';

    async function load() {
        try {
            const answer = await request('GET', 'backups'), runs = answer.runs || answer.items || [], targets = answer.targets || [];
            $('targets').replaceChildren(...targets.map(one => el('tr', {}, el('td', {}, one.name || one.target || ''), el('td', {}, word(one.state)), el('td', {}, time(one.lastGood || one.last || one.ended || '')))));
            $('runs').replaceChildren(...(runs.length ? runs.map(row) : [el('tr', {}, el('td', { colspan: 6 }, t('backup.none')))]));
            return runs.some(one => one.state === 'running' || one.state === 'new');
        } catch (error) {
            App.sayError($('message'), error);
            return false;
        }
    }

    function row(one) {
        const id = one.run || one.id;
        return el('tr', {}, el('td', {}, one.target || ''), el('td', {}, word(one.state), one.code ? el('div', { class: 'hint' }, one[App.language()] || '', ' ', el('code', {}, one.code)) : null),
            el('td', {}, time(one.began || one.started || one.created)), el('td', {}, time(one.ended || one.finished)), el('td', {}, String(one.objects ?? one.documents ?? '')),
            el('td', {}, el('button', { type: 'button', on: { click: () => act(`backups/${encodeURIComponent(id)}/verify`) } }, t('backup.verify'))));
    }

    async function act(path) {
        App.say($('message'), '', t('working'));
        try {
            await request('POST', path, { body: {} });
            App.say($('message'), 'good', t('backup.started'));
            for (let i = 0; i < 60 && await load(); i++) await new Promise(done => setTimeout(done, 1000));
        } catch (error) {
            App.sayError($('message'), error);
        }
    }

    App.start(() => {
        $('run').addEventListener('click', () => act('backups'));
        load();
    });
})();
