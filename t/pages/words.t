#!/usr/bin/perl
# Every word of the pages is there in both languages, and no page runs or
# styles anything of its own inline.
use strict;
use warnings;
use utf8;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use Test::More;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output todo_output);
my $dir = abs_path(dirname($0) . '/../../htdocs/signvn');
sub slurp { my $path = shift; open my $in, '<:utf8', $path or die "$path: $!"; local $/; return scalar <$in> }

my $words = slurp("$dir/i18n.js");
my (%vi, %en);
while ($words =~ /'([\w.-]+)': \{ (?:vi: (['"]).*?(?<!\\)\2, )?en: /g) { $en{$1}++; $vi{$1}++ if $2 }
cmp_ok scalar keys %en, '>', 100, 'the words were read';
is join(' ', grep { $en{$_} > 1 } sort keys %en), '', 'no word is there twice';

my $vietnamese = qr/[\x{e0}-\x{1ef9}]/i;
for my $page (glob "$dir/*.html") {
    my $html = slurp($page);
    my $name = basename($page);
    my %keys = map { $_ => 1 } $html =~ /data-t="([\w.-]+)"/g;
    ok %keys, "$name: has words";
    is join(' ', grep { !$en{$_} } sort keys %keys), '', "$name: each in English too";
    like $html, qr/<html lang="vi">/, "$name: is Vietnamese first";
    like $html, qr/$vietnamese/, "$name: with its marks";
    unlike $html, qr/<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style/, "$name: nothing inline";
    like $html, qr/Content-Security-Policy/, "$name: and a policy that forbids it";
    my @local = grep { !/^pdfjs/ } $html =~ /(?:src|href)="([\w.\/-]+)"/g;
    is join(' ', grep { !-e "$dir/$_" } @local), '', "$name: what it names is there";
}
for my $script (glob "$dir/*.js") {
    my $text = slurp($script);
    my $name = basename($script);
    next if $name eq 'i18n.js';
    my %keys = map { $_ => 1 } $text =~ /\bt\('([\w.-]+)'\)/g, $text =~ /\[\s*'(fact\.[\w.-]+)'/g;
    is join(' ', grep { !$en{$_} || !$vi{$_} } sort keys %keys), '', "$name: its words are in both languages";
    unlike $text, qr/innerHTML|outerHTML|document\.write|\beval\(|new Function|insertAdjacentHTML/, "$name: text is never markup";
}
done_testing;
