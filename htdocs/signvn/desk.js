// Enrolling a desk: a code for the desk, then six words that both must show.
'use strict';
(() => {
    const { t, $, el, request } = App;
    const AGENT = '/signvn/agent/v1/enroll';
    let code = null, enrolment = null, until = 0;

    async function begin() {
        $('step-words').hidden = true;
        App.quiet($('message'));
        try {
            const answer = await request('POST', `${AGENT}/begin`, { body: {} });
            code = answer.userCode;
            until = Date.now() + (answer.expiresIn || 300) * 1000;
            $('code').textContent = code;
            $('command').textContent = `signvn-agent enroll --server ${location.origin} --code ${code}`;
            $('step-code').hidden = false;
            wait(code);
        } catch (error) {
            App.sayError($('message'), error);
        }
    }

    // The desk shows up when it has sent its key.
    async function wait(mine) {
        $('waiting').textContent = t('desk.waiting');
        while (code === mine) {
            if (Date.now() > until) { $('step-code').hidden = true; return App.say($('message'), 'bad', t('desk.expired')); }
            try {
                const answer = await request('POST', `${AGENT}/confirm?show=1`, { body: { userCode: mine } });
                if (answer && answer.words && answer.words.length) return show(answer);
            } catch (error) {
                if (error.status === 0 || error.status >= 500) App.sayError($('message'), error);
            }
            await new Promise(done => setTimeout(done, 2000));
        }
    }

    function show(answer) {
        enrolment = answer.enrolmentID;
        $('waiting').textContent = '';
        $('name').textContent = `${t('desk.name')}: ${answer.agentName || ''}`;
        $('words').replaceChildren(...answer.words.map(word => el('li', {}, word)));
        $('step-words').hidden = false;
        $('step-words').scrollIntoView();
    }

    async function confirm() {
        try {
            await request('POST', `${AGENT}/confirm`, { body: { userCode: code, enrolmentID: enrolment } });
            code = null;
            $('step-code').hidden = $('step-words').hidden = true;
            App.say($('message'), 'good', t('desk.done'));
        } catch (error) {
            App.sayError($('message'), error);
        }
    }

    App.start(() => {
        $('begin').addEventListener('click', begin);
        $('confirm').addEventListener('click', confirm);
        $('refuse').addEventListener('click', () => location.reload());
    });
})();
