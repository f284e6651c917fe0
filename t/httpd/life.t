# The keeper's life under httpd: killed, reloaded, replaced; waiting and content.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Time::HiRes qw(time sleep);
use SignVN::Test;
use Apache::Test ();

sub health { return ask(GET => '/signvn/v1/health') }
my $pid = health()->{json}{pid};
ok $pid, 'the keeper has a process id';

# ---- killed
for my $round (1 .. 3) {
    my $before = health()->{json}{pid};
    my ($began, $failed, $longest) = (time, 0, 0);
    kill KILL => $before;
    my $now = $before;
    while (time - $began < 3) {
        my $start = time;
        my $answer = health();
        $failed++ if $answer->{status} != 200;
        $longest = time - $start if time - $start > $longest;
        $now = $answer->{json}{pid} // $now;
        last if $now != $before;
        sleep 0.002;
    }
    isnt $now, $before, "kill -9, round $round: another keeper answers";
    is $failed, 0, 'no request failed meanwhile';
    cmp_ok $longest, '<', 2, sprintf 'none waited two seconds (%.2f s)', $longest;
    sleep 2.2;      # else the back-off would be right to wait
}
my $answer = ask(GET => '/signvn/v1/agencies?die=1', user => 'anh');
is $answer->{status}, 200, 'a keeper that dies under an idempotent request is asked again';

# ---- reloaded
sleep 2.2;
my $before = health()->{json};
for my $round (1 .. 3) {
    kill USR1 => httpd_pid();
    my $now;
    for (1 .. 40) { sleep 0.1; $now = health()->{json}; last if ($now->{generation} // 0) > $before->{generation} }
    is $now->{pid}, $before->{pid}, "graceful, round $round: the same keeper";
    cmp_ok $now->{generation}, '>', $before->{generation}, 'with a new configuration';
    $before = $now;
}
kill KILL => $before->{pid};
sleep 0.2;
isnt health()->{json}{pid}, $before->{pid}, 'a death after the reloads is still noticed';

# ---- a section that is faulty at a reload
my $live = Apache::Test::vars('t_conf') . '/extra-live.conf';
my $write = sub { open my $file, '>', $live or die $!; print $file shift; close $file };
$write->(qq{<SignVNAgency "A">\n SignVNRoute QĐ seal,approve\n</SignVNAgency>\n<SignVNAgency "B">\n SignVNRoute QĐ approve,seal\n</SignVNAgency>\n});
my $generation = health()->{json}{generation};
kill USR1 => httpd_pid();
for (1 .. 40) { sleep 0.1; last if (health()->{json}{generation} // 0) != $generation }
is health()->{status}, 200, 'a bad section stops no server';
open my $log, '<', Apache::Test::vars('t_logs') . '/error_log' or die $!;
my $text = do { local $/; <$log> };
like $text, qr/extra-live\.conf:2: SignVNRoute: .*approve before seal/, 'and is told with file and line';
unlink $live;

# ---- waiting
my $first = ask(GET => '/signvn/v1/jobs/done1?wait=5', user => 'anh');
is $first->{json}{state}, 'done', 'a job that is done is told at once';
my $began = time;
my $slow = ask(GET => '/signvn/v1/jobs/slow1?wait=10', user => 'anh');
is $slow->{json}{state}, 'done', 'a change ends the waiting';
cmp_ok time - $began, '<', 3, 'soon';
is ask(GET => '/signvn/v1/jobs/a?wait=56', user => 'anh')->{status}, 422, 'nobody waits longer than 55 seconds';
is ask(GET => '/signvn/v1/jobs/a?wait=x', user => 'anh')->{status}, 422, 'or for no number';

# ---- content
my $whole = ask(GET => '/signvn/v1/archive/one/original', user => 'anh');
is $whole->{body}, '0123456789', 'content comes from a descriptor of the keeper';
my $etag = $whole->{headers}{etag};
is $etag, '"84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"', 'the ETag is strong and its digest';
is $whole->{headers}{'accept-ranges'}, 'bytes', 'ranges are offered';
is $whole->{headers}{'x-content-type-options'}, 'nosniff', 'its type is its type';
like $whole->{headers}{'content-disposition'}, qr/filename\*=UTF-8''v%C4%83n/, 'its name is Vietnamese';
my $part = ask(GET => '/signvn/v1/archive/one/original', user => 'anh', headers => { Range => 'bytes=2-4' });
is "$part->{status} $part->{body}", '206 234', 'a range';
is ask(GET => '/signvn/v1/archive/one/original', user => 'anh', headers => { Range => 'bytes=20-' })->{status}, 416, 'a range outside';
is ask(GET => '/signvn/v1/archive/one/original', user => 'anh', headers => { 'If-None-Match' => $etag })->{status}, 304, 'not modified';
is ask(GET => '/signvn/v1/archive/one/original', user => 'anh', headers => { Range => 'bytes=0-1', 'If-Range' => '"other"' })->{status}, 200, 'another version is sent whole';
my $two = ask(GET => '/signvn/v1/archive/two/original', user => 'anh', headers => { Range => 'bytes=2-4' });
is "$two->{status} $two->{body}", '200 0123456789abcdefghij', 'several parts come in order, whole';
my $head = ask(HEAD => '/signvn/v1/archive/one/original', user => 'anh');
is "$head->{status} $head->{headers}{'content-length'} $head->{body}", '200 10 ', 'HEAD tells the length';

# ---- a keeper that dies again and again
for (1 .. 4) {
    my $now = health()->{json}{pid} or last;
    kill KILL => $now;
    sleep 1.2;
}
$began = time;
my $down = health();
is $down->{status}, 503, 'a keeper that keeps dying is not started without a pause';
is $down->{json}{code}, 'keeper.absent', 'which is told';
cmp_ok time - $began, '<', 0.5, 'at once';
for (1 .. 60) { sleep 0.1; last if health()->{status} == 200 }
is health()->{status}, 200, 'and after the pause it serves again';

# ---- no descriptor leaks
my ($child) = grep { -d "/proc/$_/fd" } split ' ', `pgrep -P ${\ httpd_pid()} apache2 | head -1` || '';
my $count = sub { my $n = 0; for my $p (split ' ', `pgrep -P ${\ httpd_pid()} apache2`) { opendir my $d, "/proc/$p/fd" or next; $n += grep { !/^\./ } readdir $d } $n };
SKIP: {
    skip 'no pgrep', 1 if !$child;
    ask(GET => '/signvn/v1/archive/one/original', user => 'anh') for 1 .. 20;
    my $open = $count->();
    ask(GET => '/signvn/v1/archive/two/original', user => 'anh') for 1 .. 100;
    cmp_ok $count->(), '<', $open + 50, 'a hundred answers with descriptors leave none behind';
}
done_testing;
