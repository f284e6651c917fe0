package SignVN::Test;
# One HTTP request over a socket of its own, byte for byte as given: tests send
# what no client library would.
use strict;
use warnings FATAL => 'all';
use IO::Socket::INET;
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Apache::Test ();
use Exporter 'import';
our @EXPORT = qw(ask raw basic multipart port state httpd_pid);

sub port { my $name = shift; my $vars = Apache::Test::vars(); return $name ? $vars->{"${name}_port"} // vhost_port($name) : $vars->{port} }
sub vhost_port { my $name = shift; return Apache::Test::config()->{vhosts}{$name}{port} }
sub state { return $ENV{SIGNVN_TEST_STATE} }
sub basic { my $user = shift; return 'Basic ' . encode_base64("$user:pw-$user", '') }

sub httpd_pid {
    open my $file, '<', Apache::Test::vars('t_logs') . '/httpd.pid' or die $!;
    my $pid = <$file>;
    return $pid + 0;
}

# raw(text, port => N, cut => 1): sends the text, returns the parsed answer.
sub raw {
    my ($text, %how) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $how{port} // port(), Timeout => 10) or return { status => 0 };
    local $SIG{PIPE} = 'IGNORE';
    print $socket $text;
    $socket->flush;
    shutdown $socket, 1 if $how{cut};
    my $answer = '';
    local $SIG{ALRM} = sub { die "no answer in time\n" };
    alarm($how{time} // 30);
    eval { while (sysread $socket, my $piece, 65536) { $answer .= $piece } };
    alarm 0;
    my ($head, $body) = split /\r\n\r\n/, $answer, 2;
    my ($first, @lines) = split /\r\n/, $head // '';
    my %headers = map { my ($name, $value) = split /:\s*/, $_, 2; (lc $name => $value) } @lines;
    if (($headers{'transfer-encoding'} // '') eq 'chunked') {
        my $whole = '';
        while ($body =~ s/^([0-9a-fA-F]+)\r\n//) { my $n = hex $1; last if !$n; $whole .= substr $body, 0, $n, ''; $body =~ s/^\r\n// }
        $body = $whole;
    }
    my ($status) = ($first // '') =~ m{^HTTP/1\.1 (\d+)};
    my $json = ($headers{'content-type'} // '') =~ /json/ ? eval { JSON::PP->new->utf8->decode($body) } : undef;
    return { status => $status // 0, headers => \%headers, body => $body // '', json => $json };
}

# ask(METHOD, PATH, user => 'anh', headers => {}, body => '', port => N)
sub ask {
    my ($method, $path, %how) = @_;
    my %headers = (Host => '127.0.0.1:' . ($how{port} // port()), Connection => 'close', %{ $how{headers} // {} });
    $headers{Authorization} //= basic($how{user}) if $how{user};
    $headers{'Content-Length'} //= length $how{body} if defined $how{body};
    delete $headers{$_} for grep { !defined $headers{$_} } keys %headers;
    my $text = "$method $path HTTP/1.1\r\n" . join('', map { "$_: $headers{$_}\r\n" } sort keys %headers) . "\r\n" . ($how{body} // '');
    return raw($text, %how);
}

# multipart([name, filename or undef, type or undef, data]...) -> (type, body)
sub multipart {
    my $body = '';
    for my $part (@_) {
        my ($name, $file, $type, $data) = @$part;
        $body .= qq{--BOUND\r\nContent-Disposition: form-data; name="$name"} . (defined $file ? qq{; filename="$file"} : '') . "\r\n";
        $body .= "Content-Type: $type\r\n" if $type;
        $body .= "\r\n$data\r\n";
    }
    return ('multipart/form-data; boundary=BOUND', $body . "--BOUND--\r\n");
}

1;
