# The people, agencies and configuration files of a practice site.
package Office;
use strict;
use warnings;
use utf8;
use MIME::Base64 qw(encode_base64);

our @users = qw(authority deputy clerk clerk2 authority2 reviewer reception archivist it inspector);

my %names = (
    authority => [ 'Nguyễn Văn An', 'Chủ tịch' ], deputy => [ 'Trần Thị Bích Đào', 'Phó Chủ tịch' ],
    reviewer => [ 'Lê Quốc Đạt', 'Chánh Văn phòng' ], clerk => [ 'Đặng Thị Văn', 'Văn thư' ], clerk2 => [ 'Ngô Văn Thư', 'Văn thư' ],
    authority2 => [ 'Phạm Thị Hường', 'Chủ tịch' ], reception => [ 'Vũ Thị Tiếp', 'Công chức tiếp nhận' ],
    archivist => [ 'Hoàng Thị Lưu', 'Lưu trữ viên' ], it => [ 'Dương Văn Máy', 'Phụ trách công nghệ thông tin' ], inspector => [ 'Trịnh Văn Tra', 'Thanh tra' ],
);
my @agencies = ([ 'H57.28', 'Ủy ban nhân dân xã Thử Nghiệm' ], [ 'H57.29', 'Ủy ban nhân dân xã Kiểm Chứng' ]);

sub bytes { my ($path) = @_; open my $in, '<:raw', $path or die "$path: $!\n"; local $/; return encode_base64(scalar <$in>, '') }

# The record that `signvn people import` takes.
sub people {
    my ($site, $root) = @_;
    my $der = sub { bytes("$root/pki/certs/$_[0].der") };
    my $png = sub { bytes("$root/samples/$_[0].png") };
    my @people;
    for my $account (@users) {
        my ($name, $title) = @{ $names{$account} };
        my @where = $account =~ /2$/ ? ('H57.29') : $account eq 'inspector' || $account eq 'it' ? ('H57.28', 'H57.29') : ('H57.28');
        (my $role = $account) =~ s/2$//;
        push @people, { account => $account, name => $name, roles => [ map { { agency => $_, role => $role, title => $title } } @where ] };
    }
    my @bindings = map { { agency => $_->[0], kind => 'person', account => $_->[1], role => $_->[2], title => $names{ $_->[1] }[1], certificate => $der->($_->[1]) } }
        [ 'H57.28', 'authority', 'authority' ], [ 'H57.28', 'deputy', 'deputy' ], [ 'H57.28', 'reviewer', 'reviewer' ], [ 'H57.29', 'authority2', 'authority' ];
    push @bindings, map { { agency => $_->[0], kind => 'agency', certificate => $der->($_->[1]) } } [ 'H57.28', 'seal-a' ], [ 'H57.28', 'seal-a2' ], [ 'H57.29', 'seal-b' ];
    my @custody = map { { certificate => $der->($_->[0]), account => $_->[1], decision => { number => "$_->[2]/QĐ-UBND", date => '2026-01-05', signer => $_->[3] } } }
        [ 'seal-a', 'clerk', '01', $names{authority}[0] ], [ 'seal-a2', 'reception', '02', $names{authority}[0] ], [ 'seal-b', 'clerk2', '01', $names{authority2}[0] ];
    my @images = (
        map({ { account => $_->[0], png => $png->($_->[1]), widthMm => 40 } } [ 'authority', 'signature' ], [ 'deputy', 'signature-deputy' ], [ 'authority2', 'signature' ], [ 'reviewer', 'signature-deputy' ]),
        map({ { certificate => $der->($_), png => $png->($_), widthMm => 36 } } qw(seal-a seal-a2 seal-b)),
    );
    return { agencies => [ map { { code => $_->[0], name => $_->[1] } } @agencies ], people => \@people, bindings => \@bindings, custody => \@custody, images => \@images };
}

sub modules { my ($dir) = grep { -e "$_/mod_mpm_event.so" } '/usr/lib/apache2/modules', '/usr/lib64/httpd/modules'; return $dir // die "site: httpd's modules were not found\n" }

# The product's directives, in a file of their own that `signvn --config` reads too.
sub signvn_conf {
    my (%with) = @_;
    my ($site, $pki) = @with{qw(site pki)};
    my ($host) = $pki->{ocsp} =~ m{//([^/]+)};
    return join "\n", 'SignVNPractice On', qq(SignVNStateDir "$with{root}/state"), qq(SignVNRunDir "$with{run}"), qq(SignVNProgramDir "$with{root}/bin"),
        ($> == 0 ? 'SignVNUser signvn' : 'SignVNUser ' . getpwuid $>),
        qq(SignVNTrustAnchors "$pki->{anchors}"), qq(SignVNIntermediates "$pki->{intermediates}"), qq(SignVNTimestampAnchors "$pki->{tsaAnchors}"),
        "SignVNEvidenceHosts $host", "SignVNTimestamp $pki->{tsa}", "SignVNTimestampPolicy $pki->{tsaPolicy}",
        "SignVNBackupTarget one dir:$site->{backup}[0]", "SignVNBackupTarget two dir:$site->{backup}[1]",
        "SignVNOrigin $site->{url}", 'SignVNMaxDocument 1G',
        map({ qq(<SignVNAgency "$_->[0]">\n    SignVNRoute QĐ approve,seal\n    SignVNRoute CV approve,seal\n</SignVNAgency>) } @agencies), '';
}

sub httpd_conf {
    my (%with) = @_;
    my ($root, $run) = @with{qw(root run)};
    my $modules = modules();
    my $load = join '', map { "LoadModule ${_}_module \"$modules/mod_$_.so\"\n" }
        grep { -e "$modules/mod_$_.so" } qw(mpm_event authn_core authn_file authz_core authz_host authz_user auth_basic alias dir mime setenvif dav dav_fs dav_lock reqtimeout);
    my $user = $> == 0 ? "User www-data\nGroup www-data\n" : '';
    return <<"END";
# Written by scripts/site; changes are lost at its next start.
ServerRoot "$root"
ServerName 127.0.0.1:$with{port}
Listen 127.0.0.1:$with{port}
PidFile "$root/run/httpd.pid"
DefaultRuntimeDir "$root/run"
$user$load
LoadModule signvn_module "$root/bin/mod_signvn.so"
TypesConfig /etc/mime.types
ErrorLog "$root/log/error.log"
LogLevel info
LogFormat "%h %u %t \\"%r\\" %>s %b %D" practice
CustomLog "$root/log/access.log" practice
ServerLimit 4
ThreadsPerChild 32
StartServers 2
MaxRequestWorkers 128
Timeout 60
DocumentRoot "$root/htdocs"

Include "$root/conf/signvn.conf"
Alias /signvn/pdfjs /usr/share/javascript/pdf
Alias /signvn "$root/htdocs"
<Directory "$root/htdocs">
    Options None
    AllowOverride None
    DirectoryIndex index.html
    Require all granted
</Directory>
<Location /signvn>
    SignVN On
    LimitRequestBody 1073741824
    AuthType Basic
    AuthName "SignVN thuc hanh"
    AuthBasicProvider file
    AuthUserFile "$root/users"
    Require valid-user
</Location>
# The document system whose pages gain the signing: a folder over WebDAV.
DavLockDB "$root/run/dav/lock"
Alias /dms "$root/dms"
<Directory "$root/dms">
    Dav On
    Options None
    AllowOverride None
    AuthType Basic
    AuthName "DMS thuc hanh"
    AuthBasicProvider file
    AuthUserFile "$root/users"
    Require valid-user
</Directory>
<LocationMatch "^/signvn/(v1/(health|info)|agent/v1/(enroll|enroll/status|credentials|poll|claim|progress|result|reject|docs/.*))\$">
    Require all granted
</LocationMatch>
END
}

1;
