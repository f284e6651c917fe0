package SignVN::Browser;
# Chromium driven over its debugging pipe: what a person does with mouse and
# keyboard, and what he then sees.  No other module is needed.
use strict;
use warnings FATAL => 'all';
use File::Path ();
use File::Temp ();
use IO::Handle;
use JSON::PP ();
use MIME::Base64 qw(decode_base64 encode_base64);
use POSIX ();
use Time::HiRes qw(time sleep);

my $json = JSON::PP->new->utf8->allow_nonref;

sub find { my ($path) = grep { -x } map { ("$_/chromium", "$_/chromium-browser", "$_/google-chrome") } split /:/, $ENV{PATH} . ':/usr/bin'; return $path }

# open(user => NAME, password => WORD, width => N, height => N)
sub open {
    my ($class, %how) = @_;
    my $program = find() or return undef;
    my $profile = File::Temp::tempdir('signvn-browser-XXXXXX', TMPDIR => 1);
    pipe my $to_read, my $to_write or die $!;
    pipe my $from_read, my $from_write or die $!;
    my $pid = fork // die $!;
    if (!$pid) {
        POSIX::setsid();
        POSIX::dup2(fileno $to_read, 30);
        POSIX::dup2(fileno $from_write, 31);
        POSIX::dup2(30, 3);
        POSIX::dup2(31, 4);
        CORE::open STDOUT, '>', '/dev/null';
        CORE::open STDERR, '>', '/dev/null';
        $^F = 255;
        # whatever it drops, it drops here
        @ENV{qw(TMPDIR HOME)} = ($profile, $profile);
        my @size = ('--window-size=' . ($how{width} // 1200) . ',' . ($how{height} // 1000));
        exec $program, '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-extensions', @size,
            '--remote-debugging-pipe', "--user-data-dir=$profile", 'about:blank' or POSIX::_exit(127);
    }
    close $to_read;
    close $from_write;
    my $self = bless { pid => $pid, profile => $profile, to => $to_write, from => $from_read, id => 0, events => [], buffer => '' }, $class;
    $to_write->autoflush(1);
    my $target = $self->call('Target.createTarget', { url => 'about:blank' });
    $self->{session} = $self->call('Target.attachToTarget', { targetId => $target->{targetId}, flatten => JSON::PP::true })->{sessionId};
    $self->call("$_.enable") for qw(Page Runtime Network DOM);
    $self->call('Network.setExtraHTTPHeaders', { headers => { Authorization => 'Basic ' . encode_base64("$how{user}:$how{password}", '') } }) if $how{user};
    $self->call('Emulation.setDeviceMetricsOverride', { width => $how{width} // 1200, height => $how{height} // 1000, deviceScaleFactor => 1, mobile => JSON::PP::false });
    return $self;
}

sub DESTROY {
    my $self = shift;
    local ($?, $@);
    return if !$self->{pid};
    kill KILL => -$self->{pid};
    waitpid $self->{pid}, 0;
    # its helpers end a moment later, and write until then
    for (1 .. 100) { last if !kill 0 => -$self->{pid}; sleep 0.05 }
    $self->{pid} = 0;
    File::Path::remove_tree($self->{profile}, { error => \my $ignored });
}

sub receive {
    my ($self, $until) = @_;
    while ($self->{buffer} !~ /\0/) {
        my $left = $until - time;
        die "browser: no answer in time\n" if $left <= 0;
        vec(my $bits = '', fileno $self->{from}, 1) = 1;
        next if !select $bits, undef, undef, $left;
        sysread($self->{from}, my $piece, 1 << 20) or die "browser: it ended\n";
        $self->{buffer} .= $piece;
    }
    $self->{buffer} =~ s/^(.*?)\0//s;
    return $json->decode($1);
}

sub call {
    my ($self, $method, $params, $wait) = @_;
    my $id = ++$self->{id};
    my $message = { id => $id, method => $method, params => $params // {} };
    $message->{sessionId} = $self->{session} if $self->{session} && $method !~ /^Target\./;
    print { $self->{to} } $json->encode($message), "\0";
    my $until = time + ($wait // 20);
    while (1) {
        my $answer = $self->receive($until);
        if (($answer->{id} // 0) == $id) {
            die "browser: $method: $answer->{error}{message}\n" if $answer->{error};
            return $answer->{result};
        }
        push @{ $self->{events} }, $answer if $answer->{method};
    }
}

sub go {
    my ($self, $url) = @_;
    $self->{events} = [];
    $self->call('Page.navigate', { url => $url });
    $self->wait_for('document.readyState === "complete"', 20);
    sleep 0.3;
}

# The value of an expression in the page.
sub eval {
    my ($self, $expression) = @_;
    my $answer = $self->call('Runtime.evaluate', { expression => $expression, awaitPromise => JSON::PP::true, returnByValue => JSON::PP::true });
    die "browser: $answer->{exceptionDetails}{exception}{description}\n" if $answer->{exceptionDetails};
    return $answer->{result}{value};
}

sub wait_for {
    my ($self, $expression, $seconds) = @_;
    my $until = time + ($seconds // 20);
    while (1) {
        my $value = eval { $self->eval($expression) };
        return $value if $value;
        return undef if time > $until;
        sleep 0.1;
    }
}

sub text { my ($self, $selector) = @_; return $self->eval("(document.querySelector(" . $json->encode($selector) . ") || {}).innerText || ''") }

# A real press of the mouse in the middle of an element, or at a part of it.
sub click {
    my ($self, $selector, $part_x, $part_y) = @_;
    my $quoted = $json->encode($selector);
    my $box = $self->eval("(() => { const e = document.querySelector($quoted); if (!e) return null; e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; })()")
        or die "browser: no $selector\n";
    my ($x, $y) = ($box->[0] + $box->[2] * ($part_x // 0.5), $box->[1] + $box->[3] * ($part_y // 0.5));
    $self->call('Input.dispatchMouseEvent', { type => $_, x => $x, y => $y, button => 'left', clickCount => 1 }) for qw(mousePressed mouseReleased);
    sleep 0.1;
}

sub type {
    my ($self, $selector, $text) = @_;
    $self->eval("(() => { const e = document.querySelector(" . $json->encode($selector) . "); e.focus(); e.select && e.select(); })()");
    $self->call('Input.insertText', { text => $text });
}

# A key as the keyboard gives it: 'ArrowRight', 'Tab'.
sub press {
    my ($self, $key) = @_;
    my %code = (Tab => 9, Enter => 13, ArrowLeft => 37, ArrowUp => 38, ArrowRight => 39, ArrowDown => 40);
    $self->call('Input.dispatchKeyEvent', { type => $_, key => $key, code => $key, windowsVirtualKeyCode => $code{$key} // 0 }) for qw(rawKeyDown keyUp);
    sleep 0.1;
}

# What the page as it is now withholds from a screen reader or weak eyes:
# fields and buttons without a name, identifiers given twice, text with less
# contrast than 4.5 [WCAG 2.2, 1.4.3].
sub hindrances {
    my ($self) = @_;
    return @{ $self->eval(<<'END') };
(() => {
    const found = [], seen = {}, shown = e => e.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true });
    for (const e of document.querySelectorAll('[id]')) { if (seen[e.id]) found.push('twice: ' + e.id); seen[e.id] = 1; }
    for (const e of document.querySelectorAll('input, select, button, a, [role=button], summary')) {
        const named = e.getAttribute('aria-label') || e.innerText.trim() || (e.labels && e.labels.length && [...e.labels].some(l => l.innerText.trim()));
        if (shown(e) && !named) found.push('no name: ' + e.outerHTML.slice(0, 80));
    }
    const parse = c => { const m = c.match(/[\d.]+/g).map(Number); return [m[0], m[1], m[2], m[3] === undefined ? 1 : m[3]]; };
    const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
    const light = c => [.2126, .7152, .0722].reduce((sum, f, i) => sum + f * (c[i] / 255 <= .04045 ? c[i] / 255 / 12.92 : ((c[i] / 255 + .055) / 1.055) ** 2.4), 0);
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const e = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || !shown(e) || e.closest(':disabled') || e.closest('.sheet')) continue;
        const layers = [];
        for (let at = e; at; at = at.parentElement) { const c = parse(getComputedStyle(at).backgroundColor); if (c[3]) layers.push(c); if (c[3] === 1) break; }
        const back = layers.reduceRight((under, c) => over(c, under), [255, 255, 255, 1]);
        const a = light(over(parse(getComputedStyle(e).color), back)), b = light(back), ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        if (ratio < 4.5) found.push(`contrast ${ratio.toFixed(2)}: ${walk.currentNode.data.trim().slice(0, 40)}`);
    }
    return found;
})()
END
}

# Where the page's requests went.
sub asked {
    my ($self) = @_;
    $self->eval('1');
    return map { $_->{params}{request}{url} } grep { $_->{method} eq 'Network.requestWillBeSent' } @{ $self->{events} };
}

sub choose_file {
    my ($self, $selector, @paths) = @_;
    my $root = $self->call('DOM.getDocument')->{root}{nodeId};
    my $node = $self->call('DOM.querySelector', { nodeId => $root, selector => $selector })->{nodeId};
    $self->call('DOM.setFileInputFiles', { files => \@paths, nodeId => $node });
    sleep 0.3;
}

sub screenshot {
    my ($self, $path, $whole) = @_;
    my $shot = $self->call('Page.captureScreenshot', { format => 'png', captureBeyondViewport => $whole ? JSON::PP::true : JSON::PP::false });
    CORE::open my $out, '>:raw', $path or die "$path: $!\n";
    print $out decode_base64($shot->{data});
    close $out;
}

# What scripts complained about since the page was opened.
sub complaints {
    my $self = shift;
    $self->eval('1');
    return map { $_->{method} eq 'Runtime.exceptionThrown' ? $_->{params}{exceptionDetails}{exception}{description} // $_->{params}{exceptionDetails}{text} : join ' ', map { $_->{value} // $_->{description} // '' } @{ $_->{params}{args} } }
        grep { $_->{method} eq 'Runtime.exceptionThrown' || ($_->{method} eq 'Runtime.consoleAPICalled' && $_->{params}{type} eq 'error') } @{ $self->{events} };
}

1;
