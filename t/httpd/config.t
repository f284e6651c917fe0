# `apachectl configtest` names file and line of every mistake, and the start
# tells what hinders it.
use strict;
use warnings FATAL => 'all';
use File::Path qw(make_path);
use IO::Socket::INET;
use Test::More;
use SignVN::Test;
use Apache::Test ();

my $vars = Apache::Test::vars();
my $dir = state() . '/configtest';
make_path($dir);
my $base = join '', grep { /^LoadModule/ } do { open my $f, '<', "$vars->{top_dir}/t/base-httpd.conf" or die $!; <$f> };

my $free = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)->sockport;

sub configtest {
    my ($lines) = @_;
    open my $file, '>', "$dir/case.conf" or die $!;
    print $file $lines;
    close $file;
    open my $main, '>', "$dir/httpd.conf" or die $!;
    print $main $base, "ServerRoot $dir\nServerName x\nTypesConfig /etc/mime.types\nListen 127.0.0.1:$free\nPidFile $dir/pid\nErrorLog $dir/error_log\nDefaultRuntimeDir $dir\n<Location /signvn>\nSignVN On\n</Location>\nInclude $dir/case.conf\n";
    close $main;
    my $said = `$vars->{httpd} -t -f $dir/httpd.conf 2>&1`;
    return ($? >> 8, $said);
}

my $targets = "SignVNBackupTarget a dir:/a\nSignVNBackupTarget b dir:/b\n";
my @cases = (
    ['a complete agency' => "$targets<SignVNAgency \"A\">\nSignVNRoute QĐ check,approve,seal\n</SignVNAgency>\n", undef],
    ['a route with the seal before the person' => "$targets<SignVNAgency \"A\">\nSignVNRoute QĐ seal,approve\n</SignVNAgency>\n", qr/case\.conf:4: SignVNRoute: .*approve before seal/],
    ['a wrong choice' => "$targets<SignVNAgency \"A\">\nSignVNRegime nd69\n</SignVNAgency>\n", qr/line 4 of .*case\.conf.*\n.*SignVNRegime: 'nd69' is not allowed; allowed: nd68\|nd130/],
    ['a wrong flag' => "<Location /x>\nSignVN Yes\n</Location>\n", qr/line 2 of .*case\.conf.*\n.*allowed: On or Off/],
    ['a wrong size' => "\nSignVNMaxDocument 10T\n", qr/line 2 of .*case\.conf.*\n.*with K, M or G/],
    ['a relative path' => "SignVNStateDir var\n", qr/line 1 of .*case\.conf.*\n.*absolute path/],
    ['a directive of an agency outside' => "SignVNRegime nd68\n", qr/line 1 of .*case\.conf.*\n.*inside <SignVNAgency/],
    ['a directive of the server inside' => "$targets<SignVNAgency \"A\">\nSignVNWorkers 2\n</SignVNAgency>\n", qr/line 4 of .*case\.conf.*\n.*outside <SignVNAgency>/],
    ['a directive of the server in a virtual host' => "<VirtualHost *:1>\nSignVNWorkers 2\n</VirtualHost>\n", qr/line 2 of .*case\.conf.*\n.*SignVNWorkers/],
    ['an agency without a code' => "<SignVNAgency>\n</SignVNAgency>\n", qr/line 1 of .*case\.conf.*\n.*takes one code/],
    ['an agency given twice' => "$targets<SignVNAgency \"A\">\n</SignVNAgency>\n<SignVNAgency \"A\">\n</SignVNAgency>\n", qr/was opened before at .*case\.conf:3/],
    ['one backup target' => "SignVNBackupTarget a dir:/a\n<SignVNAgency \"A\">\n</SignVNAgency>\n", qr/case\.conf:1: 1 SignVNBackupTarget given/],
    ['a trust anchor that is not there' => "SignVNTrustAnchors /nonexistent/a.pem\n", qr/case\.conf:1: SignVNTrustAnchors: cannot read/],
    ['an unknown directive in an agency' => "$targets<SignVNAgency \"A\">\nSignVNRout x\n</SignVNAgency>\n", qr/SignVNRout/],
    ['a schedule that is none' => "SignVNBackupEvery daily\n", qr/case\.conf:1: SignVNBackupEvery: 'daily' is not allowed/],
);
for my $case (@cases) {
    my ($what, $lines, $want) = @$case;
    my ($status, $said) = configtest($lines);

    if (!$want) {
        is $status, 0, "configtest: $what is accepted" or diag $said;
        next;
    }
    isnt $status, 0, "configtest: $what is refused";
    like $said, $want, 'with file, line and what is allowed';
}

# The example that is installed, as it is and with every directive in use.
my $example = do { local (@ARGV, $/) = ("$ENV{SIGNVN_TEST_SOURCE}/conf/signvn.conf"); <> };
is((configtest($example))[0], 0, 'conf/signvn.conf is accepted as it is');
(my $all = $example) =~ s/^#(\s*(?:SignVN|<))/$1/mg;
$all =~ s/^SignVN(?:TrustAnchors|Intermediates|TimestampAnchors) .*$//mg;
my ($code, $words) = configtest($all);
is $code, 0, 'and with every directive in use' or diag $words;

# What only the keeper can know comes while the start is still in the foreground.
my $start = sub {
    my ($lines) = @_;
    configtest($lines);
    my $said = `$vars->{httpd} -k start -f $dir/httpd.conf 2>&1`;
    my $status = $? >> 8;
    $said .= do { local (@ARGV, $/) = ("$dir/error_log"); -e $ARGV[0] ? <> : '' };
    return ($status, $said);
};
my ($status, $said) = $start->("SignVNProgramDir /nonexistent\nSignVNStateDir $dir/s\nSignVNRunDir $dir/r\n");
isnt $status, 0, 'start: a program that is not there is refused';
like $said, qr{SignVNProgramDir: cannot run /nonexistent/signvnd}, 'and named';
SKIP: {
    skip 'only root can give the keeper another account', 2 if $> != 0;
    ($status, $said) = $start->("User www-data\nGroup www-data\nSignVNUser www-data\nSignVNProgramDir $vars->{top_dir}/t/fake\nSignVNStateDir $dir/s\nSignVNRunDir $dir/r\n");
    isnt $status, 0, "start: a keeper under httpd's own account is refused";
    like $said, qr{SignVNUser: 'www-data' is the account of httpd itself}, 'and named';
}
done_testing;
