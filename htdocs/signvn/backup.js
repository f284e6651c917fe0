// Backups: targets, runs, a run by hand, a verification by hand.
'use strict';
(() => {
    const { t, $, el, time, request } = App;

    const word = state => state ? t(`state.${state}`).replace(/^state\./, '') : '';

    function target(one) {
        return el('tr', {}, el('td', {}, one.name, one.address ? el('div', { class: 'hint mono' }, one.address) : null),
            el('td', {}, el('span', { class: `mark ${one.alarm ? 'error' : 'info'}` }, one.alarm ? `${t('backup.alarm')}: ` : ''), word(one.state || 'none'), one.attached === false ? ` (${t('backup.detached')})` : ''),
            el('td', {}, time(one.lastOk), one.verified ? el('div', { class: 'hint' }, `${t('backup.verified')}: ${time(one.verified)}`) : null));
    }

    // One row per target of a run.
    const rows = run => (run.targets || [run]).map((one, i) => el('tr', {}, el('td', {}, one.target || ''),
        el('td', {}, word(one.state), one.code ? el('div', { class: 'hint' }, one.detail || '', ' ', el('code', {}, one.code)) : null),
        el('td', {}, time(one.started)), el('td', {}, time(one.ended)), el('td', {}, String(one.objects ?? '')),
        el('td', {}, i ? null : el('button', { type: 'button', on: { click: () => verify(run.run) } }, t('backup.verify')))));

    async function load() {
        try {
            const answer = await request('GET', 'backups'), runs = answer.runs || [];
            $('targets').replaceChildren(...(answer.targets || []).map(target));
            $('runs').replaceChildren(...(runs.length ? runs.flatMap(rows) : [el('tr', {}, el('td', { colspan: 6 }, t('backup.none')))]));
            return runs.some(one => one.state === 'running');
        } catch (error) {
            App.sayError($('message'), error);
            return false;
        }
    }

    async function run() {
        App.working($('message'), t('working'));
        try {
            await request('POST', 'backups', { body: {} });
            App.say($('message'), 'good', t('backup.started'));
            for (let i = 0; i < 120 && await load(); i++) await new Promise(done => setTimeout(done, 1000));
        } catch (error) {
            App.sayError($('message'), error);
        }
    }

    async function verify(id) {
        App.working($('message'), t('working'));
        try {
            const answer = await request('POST', `backups/${encodeURIComponent(id)}/verify`, { body: {} });
            App.say($('message'), answer.ok ? 'good' : 'bad', t(answer.ok ? 'backup.good' : 'backup.bad'));
            await load();
        } catch (error) {
            App.sayError($('message'), error);
        }
    }

    App.start(() => {
        $('run').addEventListener('click', run);
        load();
    });
})();
