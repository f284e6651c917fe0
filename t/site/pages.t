#!/usr/bin/perl
# The main job by clicks in Chromium: the leader approves, the clerk seals, the
# result is checked, found and backed up; judged by pdfsig.
use strict;
use warnings;
use utf8;
use Cwd qw(abs_path);
use Encode qw(decode);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use MIME::Base64 qw(decode_base64);
use Test::More;
use lib dirname(abs_path($0)) . '/../lib';
use SignVN::Browser;
use SignVN::Site;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output todo_output);
SignVN::Browser::find() or die "chromium is not here: scripts/deps installs it\n";
my $site = SignVN::Site->new;
my $url = $site->{site}{url};
my $dir = tempdir(CLEANUP => 1);
my $shots = $ENV{SIGNVN_SHOTS};

sub as { my ($who, %how) = @_; my $user = $site->{site}{users}{$who}; return SignVN::Browser->open(user => $user->{name}, password => $user->{password}, %how) }
sub shot { my ($browser, $name) = @_; $browser->screenshot("$shots/$name.png", 1) if $shots }
sub spew { my ($name, $bytes) = @_; open my $out, '>:raw', "$dir/$name" or die; print $out $bytes; close $out; return "$dir/$name" }
sub quiet {
    my ($browser, $what) = @_;
    is join(' ', $browser->complaints), '', "$what: no script complains";
    is join(' ', grep { !m{^(?:\Q$url\E/|data:|blob:)} } $browser->asked), '', "$what: nothing comes from elsewhere";
    fits($browser, $what);
}
# For weak eyes and for those who see nothing.
sub fits { my ($browser, $what) = @_; is join("\n", $browser->hindrances), '', "$what: every field has its name, every word its contrast" }

# The files are read when the subject can be typed.
sub choose {
    my ($browser, @files) = @_;
    $browser->choose_file('#file', @files);
    $browser->wait_for('!document.querySelector("#subject").disabled && document.querySelector("#subject").value', 30);
}

# What the download link gives.
sub downloaded {
    my ($browser, $n) = @_;
    return decode_base64($browser->eval('fetch(document.querySelectorAll("a.download")[' . ($n // 0) . '].href).then(a => a.blob()).then(b => new Promise(done => { const r = new FileReader(); r.onload = () => done(r.result.split(",")[1]); r.readAsDataURL(b); }))'));
}

# ---- the leader approves, number, date and seal being reserved
my $leader = as('authority');
$leader->go("$url/signvn/");
is $leader->text('h1'), 'Ký số văn bản', 'the page is Vietnamese';
like $leader->text('#who'), qr/Người dùng: \S/, 'it knows who is there';
choose($leader, map { $site->{samples}{documents}{$_}{file} } 'decision-hybrid.pdf', 'decision-stream.pdf');
ok $leader->wait_for('document.querySelectorAll("#files li").length === 2', 30), 'two documents at once';
ok $leader->wait_for('document.querySelector("#canvas").width > 10 && Sheet.box("seal") && document.querySelectorAll(".box").length === 5', 20), 'five places are suggested on the page';
my $wanted = $site->boxes('decision-hybrid.pdf');
for my $name (qw(number day month signature seal)) {
    my $box = $leader->eval("Sheet.box('$name')");
    cmp_ok abs($box->{x} - $wanted->{$name}{x}), '<', 6, "$name: suggested where the form wants it, across";
    cmp_ok abs($box->{y} - $wanted->{$name}{y}), '<', 6, 'and up';
}
is $leader->text('#send'), 'Gửi ký 2 văn bản', 'the button says how many';
$leader->click('#send');
like $leader->text('#asked'), qr/bí mật nhà nước/, 'nothing is sent before secrecy is answered';
is $leader->eval('document.activeElement.id'), 'secrecy', 'and the keyboard is taken to the question';
my $left = $leader->eval('document.querySelector(".box.signature").focus(), Sheet.box("signature").x');
$leader->press('ArrowRight') for 1 .. 2;
cmp_ok abs($leader->eval('Sheet.box("signature").x') - $left - 2 * 72 / 25.4), '<', 0.3, 'arrow keys move a box by millimetres';
is $leader->eval('document.activeElement.dataset.name'), 'signature', 'and it keeps the focus';
like $leader->eval('document.activeElement.getAttribute("aria-label")'), qr/^Chữ ký: Trang 1, Trái [\d.]+ mm, Dưới [\d.]+ mm$/, 'with its place in words';
$leader->press('ArrowLeft') for 1 .. 2;
fits($leader, 'the form');
$leader->click('#figures summary');
fits($leader, 'its figures');
$leader->click('#figures summary');
$leader->type('#subject', 'Về việc công nhận sáng kiến');
$leader->click('#secrecy');
$leader->click('.box.signature', 0.5, 0.5);
is $leader->eval('document.querySelector("table.boxes input[type=radio]:checked").closest("tr").textContent.trim()'), 'Chữ ký', 'a place is chosen by a click';
shot($leader, 'sign');
$leader->click('#send');
ok $leader->wait_for('document.querySelector("#match").innerText', 30), 'the match code is shown' or diag $leader->text('#message');
like $leader->text('#match'), qr/^\w{4,}$/, 'large and short';
fits($leader, 'while it signs');
ok $leader->wait_for('!document.querySelector("#result").hidden', 60), 'the desk signed' or diag $leader->text('main');
is $leader->eval('document.querySelectorAll("#items .message.good").length'), 2, 'both, with one confirmation';
isnt downloaded($leader, 0), downloaded($leader, 1), 'each is a document of its own';
shot($leader, 'done');
$leader->eval('window.taken = 0, document.addEventListener("click", e => { if (e.target.matches("a.download")) { window.taken++; e.preventDefault(); } }), 1');
$leader->click('#all');
ok $leader->wait_for('window.taken === 2', 5), 'one press takes them all';
$leader->click('button.check');
ok $leader->wait_for('document.querySelector(".signature")', 30), 'the result is checked';
like $leader->text('.verdict'), qr/Hợp lệ/, 'and valid';
my $approved = spew('approved.pdf', downloaded($leader));
quiet($leader, 'signing');
undef $leader;

# ---- the clerk seals
my $clerk = as('clerk');
$clerk->go("$url/signvn/");
choose($clerk, $approved);
is $clerk->eval('document.querySelector("input[name=kind]:checked").value'), 'seal', 'the clerk finds her own work chosen';
$clerk->click('input[value=approve]');
$clerk->wait_for('document.querySelector("#sheet-note").innerText', 20);
like $clerk->text('#sheet-note'), qr/đã chừa sẵn/, 'the page sees the reserved places';
$clerk->click('input[value=seal]');
is $clerk->eval('document.querySelector("#places").hidden'), JSON::PP::true(), 'the seal asks for no place';
$clerk->type('#subject', 'Về việc công nhận sáng kiến');
$clerk->click('#secrecy');
$clerk->click('#send');
ok $clerk->wait_for('!document.querySelector("#result").hidden', 60), 'the seal is set' or diag $clerk->text('main');
like $clerk->text('#items'), qr{/QĐ-UBND}, 'with its number';
shot($clerk, 'sealed');
my $sealed = spew('sealed.pdf', downloaded($clerk));
my $pdfsig = `pdfsig -nocert '$sealed' 2>&1`;
is(() = $pdfsig =~ /Signature is Valid/g, 2, 'pdfsig: both signatures are valid') or diag $pdfsig;
quiet($clerk, 'sealing');

# ---- refusals speak
$clerk->go("$url/signvn/");
choose($clerk, $sealed);
$clerk->click('input[value=seal]');
$clerk->click('#secrecy');
$clerk->click('#send');
ok $clerk->wait_for('document.querySelector("#asked .message.bad")', 20), 'a second seal is refused (B3)';
like $clerk->text('#asked'), qr/seal\.already-sealed/, 'by its code, with words';
shot($clerk, 'refused');

# ---- a stranger's file is checked
$clerk->go("$url/signvn/validate.html");
$clerk->choose_file('#file', $sealed);
$clerk->click('#send');
ok $clerk->wait_for('document.querySelectorAll(".signature").length === 2', 30), 'the report has both signatures';
like $clerk->text('.verdict'), qr/Hợp lệ.*có chữ ký và đóng dấu/s, 'and the value in words';
is $clerk->eval('document.querySelectorAll(".three .one").length'), 6, 'three results apart for each';
is $clerk->eval('[...document.querySelectorAll(".three")].map(t => t.querySelectorAll(".is-good svg").length + t.innerText.match(/: đạt/g).length).join(" ")'), '6 6', 'each with its picture and its word';
is $clerk->eval('document.activeElement.className'), 'verdict is-good', 'the keyboard is at the verdict';
fits($clerk, 'a good report');
shot($clerk, 'report');
my $flipped = do { local (@ARGV, $/) = ($sealed); <> };
substr($flipped, 3000, 1) ^= "\x01";
$clerk->choose_file('#file', spew('flipped.pdf', $flipped));
$clerk->click('#send');
$clerk->wait_for('document.querySelector(".verdict.is-bad")', 20);
like $clerk->text('.verdict'), qr/Không hợp lệ/, 'a changed byte is told, not only coloured';
like $clerk->text('.verdict .reason'), qr/bị thay đổi sau khi ký\. Hãy từ chối/, 'with the reason and what to do';
like $clerk->text('.three'), qr/Tính toàn vẹn: không đạt\s+Nội dung đã khác lúc ký\s+Hiệu lực chứng thư: đạt/, 'and which of the three it was';
fits($clerk, 'a bad report');
shot($clerk, 'failed');
# the page that the server writes, for a document system that shows it as it is
for my $case ([ sealed => 'tr.result.passed', 6 ], [ flipped => 'tr.result.failed', 2 ]) {
    my ($name, $selector, $count) = @$case;
    my $html = $site->client->call(clerk => POST => '/signvn/v1/validations', content => do { local (@ARGV, $/) = ("$dir/$name.pdf"); <> }, headers => { 'Content-Type' => 'application/pdf', Accept => 'text/html' });
    my $page = SignVN::Browser->open(user => 'clerk', password => $site->{site}{users}{clerk}{password}, width => 390, height => 844);
    $page->go("$url/signvn/style.css");
    $page->call('Page.setDocumentContent', { frameId => $page->call('Page.getFrameTree')->{frameTree}{frame}{id}, html => decode('UTF-8', $html->{content}) });
    ok $page->wait_for("getComputedStyle(document.querySelector('header')).borderTopWidth === '2px'", 10), "$name: the written report has its sheet";
    like $page->text('h1'), qr/^Kết quả kiểm tra chữ ký số/, "$name: the written report is Vietnamese";
    is $page->eval("document.querySelectorAll('$selector').length"), $count, "$name: the three results of each signature stand out";
    cmp_ok $page->eval('document.documentElement.scrollWidth'), '<=', 390, "$name: it fits a telephone";
    fits($page, "$name: written");
    shot($page, "written-$name");
}
$clerk->choose_file('#file', $site->{samples}{documents}{'not-a-pdf.pdf'}{file});
$clerk->click('#send');
$clerk->wait_for('/Không phải văn bản PDF/.test(document.body.innerText)', 20);
like $clerk->text('.verdict'), qr/Không phải văn bản PDF/, 'another format is told apart';

# ---- English, and a telephone
$clerk->click('#lang');
$clerk->wait_for('document.documentElement.lang === "en"', 10);
is $clerk->text('h1'), 'Check the signatures of a document', 'English by one press';
undef $clerk;
my $phone = as('clerk', width => 360, height => 740);
for my $page (qw(index validate archive desk backup)) {
    $phone->go("$url/signvn/$page.html");
    cmp_ok $phone->eval('document.documentElement.scrollWidth'), '<=', 360, "$page: fits a telephone";
    shot($phone, "phone-$page");
    quiet($phone, $page);
}
undef $phone;

# ---- the archivist finds it
my $archivist = as('archivist');
$archivist->go("$url/signvn/archive.html");
$archivist->type('#q', 'cong nhan sang kien');
$archivist->click('#send');
ok $archivist->wait_for('document.querySelector("#rows button")', 20), 'found by words without marks' or diag $archivist->text('main');
shot($archivist, 'found');
$archivist->click('#rows button');
ok $archivist->wait_for('!document.querySelector("#one").hidden', 20), 'its record opens' or diag $archivist->text('main');
$archivist->click('#one button');
ok $archivist->wait_for('document.querySelector("#one .message.good")', 20), 'and every byte is as it was' or diag $archivist->text('#one');
shot($archivist, 'record');
quiet($archivist, 'archive');
$archivist->go("$url/signvn/backup.html");
$archivist->click('#run');
ok $archivist->wait_for('(document.querySelector("#runs").innerText.match(/Hoàn thành/g) || []).length >= 2', 60), 'a backup by hand reaches both targets' or diag $archivist->text('main');
$archivist->click('#runs button');
ok $archivist->wait_for('document.querySelector("#message .message.good") && /nguyên vẹn/.test(document.querySelector("#message").innerText)', 60), 'and is verified by hand' or diag $archivist->text('main');
quiet($archivist, 'backup');
shot($archivist, 'backup');

# ---- a new desk
$archivist->go("$url/signvn/desk.html");
$archivist->click('#begin');
ok $archivist->wait_for('document.querySelector("#code").innerText', 20), 'a code for a new desk' or diag $archivist->text('main');
like $archivist->text('#command'), qr{^signvn-agent enroll --server \Q$url\E --code [A-Z2-9]{8}$}, 'and the command to type';
shot($archivist, 'desk');
done_testing;
