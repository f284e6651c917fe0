# openapi.yaml and the module's table of routes are the same list, and every
# route of it is called.
use strict;
use warnings FATAL => 'all';
use Test::More;
use SignVN::Test;

my $top = $ENV{SIGNVN_TEST_SOURCE};
sub slurp { my $path = shift; open my $in, '<', $path or die "$path: $!"; local $/; return scalar <$in> }

my %table = map { $_->[0] => $_->[1] } map { /\.method = "(\w+)", \.pattern = "([^"]+)", \.operation = "([^"]+)"/ ? ["$1 $2", $3] : () } split /\n/, slurp("$top/mod_signvn/httpd/api.c");
my (%described, %status, %body, $path, $method);
for (split /\n/, slurp("$top/htdocs/signvn/openapi.yaml")) {
    last if /^components:/;
    $path = $1 if m{^  "?(/[^":]*)"?:};
    $method = uc $1 if /^    (get|post|put|delete|patch):/;
    next if !$path || !$method;
    $described{"$method $path"} = $1 if /^      operationId: "?([\w.]+)/;
    push @{ $status{"$method $path"} }, $1 if /^        "(\d+)":/;
    $body{"$method $path"}{$1} = 1 if m{^          "?((?:application|multipart)/[\w+-]+)"?:} || m{^        content: \{ "?(application/[\w+-]+)};
}
cmp_ok scalar keys %table, '>', 30, 'the table was read';
is_deeply [sort keys %described], [sort keys %table], 'openapi.yaml has every route and no other';
is_deeply \%described, \%table, 'and names the operation of each';

# What the keeper can do and the outside may ask is on both lists.
my %rows = map { /SGN_OPERATION\("([\w.]+)", (SGN_ACCESS_\w+)/ ? ($1 => $2) : () } split /\n/, slurp("$top/mod_signvn/keeper/operations.c");
my %asked = map { $_ => 1 } values %table;
is join(' ', grep { !$rows{$_} } sort keys %asked), '', 'every route has its operation in the keeper';
is join(' ', grep { !$asked{$_} && $rows{$_} ne 'SGN_ACCESS_LOCAL' } sort keys %rows), '', 'every operation that is not local has a route';

for my $route (sort keys %table) {
    my ($method, $pattern) = split / /, $route;
    (my $path = $pattern) =~ s/\{(\w+)\}/$1 eq 'n' ? '0' : 'one'/ge;
    my $desk = $pattern =~ m{^/agent/} && $table{$route} !~ /enrol_(begin|confirm)/;
    my %headers = $desk ? ('SignVN-Proof' => 'a.b.c') : ();
    my ($type, $content);
    if ($method ne 'GET' && $method ne 'DELETE') {
        ($type, $content) = $body{$route}{'application/pdf'} ? ('application/pdf', '%PDF-')
            : $body{$route}{'multipart/form-data'} ? multipart([$table{$route} eq 'jobs.create' ? 'job' : 'metadata', undef, undef, '{"documents":[{"secrecy":"none"}]}'], [document => 'a.pdf', 'application/pdf', '%PDF-'])
            : ('application/json', '{}');
        $headers{'Content-Type'} = $type;
    }
    my $answer = ask($method => "/signvn$path", ($desk ? () : (user => 'anh')), headers => \%headers, body => $content);
    is $answer->{status}, $status{$route}[0], "$route answers as described";
    is $answer->{json}{op}, $table{$route}, 'by its operation' if $answer->{json};
}
done_testing;
