// Checking a document: one request, one report.
'use strict';
(() => {
    const { t, $, request } = App;

    async function send(event) {
        event.preventDefault();
        const file = $('file').files[0];
        $('report').replaceChildren();
        if (!file) return App.say($('message'), 'bad', t('choose.file'));
        App.working($('message'), t('validate.working'));
        $('send').disabled = true;
        try {
            const form = new FormData();
            form.append('document', file, file.name);
            const report = await request('POST', 'validations', { body: form });
            App.quiet($('message'));
            Report.show($('report'), report);
            $('print').hidden = false;
        } catch (error) {
            App.sayError($('message'), error);
        }
        $('send').disabled = false;
    }

    App.start(() => {
        $('form').addEventListener('submit', send);
        $('print').addEventListener('click', () => window.print());
    });
})();
