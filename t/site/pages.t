#!/usr/bin/perl
# The main job by clicks in Chromium: the leader approves, the clerk seals, the
# result is checked, found and backed up; judged by pdfsig.
use strict;
use warnings;
use utf8;
use Cwd qw(abs_path);
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
sub quiet { my ($browser, $what) = @_; my @said = $browser->complaints; is "@said", '', "$what: no script complains" }

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
$leader->click('#send');
like $leader->text('#message'), qr/bí mật nhà nước/, 'nothing is sent before secrecy is answered';
$leader->type('#subject', 'Về việc công nhận sáng kiến');
$leader->click('#secrecy');
$leader->click('.box.signature', 0.5, 0.5);
is $leader->eval('document.querySelector("table.boxes input[type=radio]:checked").closest("tr").innerText.trim()'), 'Chữ ký', 'a place is chosen by a click';
shot($leader, 'sign');
$leader->click('#send');
ok $leader->wait_for('document.querySelector("#match").innerText', 30), 'the match code is shown' or diag $leader->text('#message');
like $leader->text('#match'), qr/^\w{4,}$/, 'large and short';
ok $leader->wait_for('!document.querySelector("#result").hidden', 60), 'the desk signed' or diag $leader->text('main');
is $leader->eval('document.querySelectorAll("#items .message.good").length'), 2, 'both, with one confirmation';
isnt downloaded($leader, 0), downloaded($leader, 1), 'each is a document of its own';
shot($leader, 'done');
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
ok $clerk->wait_for('document.querySelector("#message .message.bad")', 20), 'a second seal is refused (B3)';
like $clerk->text('#message'), qr/seal\.already-sealed/, 'by its code, with words';
shot($clerk, 'refused');

# ---- a stranger's file is checked
$clerk->go("$url/signvn/validate.html");
$clerk->choose_file('#file', $sealed);
$clerk->click('#send');
ok $clerk->wait_for('document.querySelectorAll(".signature").length === 2', 30), 'the report has both signatures';
like $clerk->text('.verdict'), qr/Hợp lệ.*có chữ ký và đóng dấu/s, 'and the value in words';
is $clerk->eval('document.querySelectorAll(".three .one").length'), 6, 'three results apart for each';
shot($clerk, 'report');
my $flipped = do { local (@ARGV, $/) = ($sealed); <> };
substr($flipped, 3000, 1) ^= "\x01";
$clerk->choose_file('#file', spew('flipped.pdf', $flipped));
$clerk->click('#send');
$clerk->wait_for('document.querySelector(".verdict.is-bad")', 20);
like $clerk->text('.verdict'), qr/Không hợp lệ/, 'a changed byte is told, not only coloured';
shot($clerk, 'failed');
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
