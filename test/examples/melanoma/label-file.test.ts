import { describe, expect, test } from 'vitest';
import { parseLabelFile } from '../../../examples/melanoma/label-file.ts';

describe('parseLabelFile', () => {
  test('file and label, in order, whatever the line ends', () => {
    expect(parseLabelFile('\ufefffile,label\r\na.jpg,1\r\n\r\nb/c.png, 0\r\n', 'x.csv')).toEqual([
      { file: 'a.jpg', label: 1 },
      { file: 'b/c.png', label: 0 },
    ]);
  });

  test('the column may be called melanoma, and others are ignored', () => {
    const text = 'file,split,melanoma,dx\nham/a.jpg,train,0,nv\nham/b.jpg,val,1,mel';
    expect(parseLabelFile(text, 'x.csv').map(({ label }) => label)).toEqual([0, 1]);
  });

  test('a quoted name may hold a comma and quotes', () => {
    expect(parseLabelFile('file,label\n"a, ""b"".jpg",1', 'x.csv')).toEqual([
      { file: 'a, "b".jpg', label: 1 },
    ]);
  });

  test.each([
    ['', /line 1: no column "file"/],
    ['file,class\na.jpg,1', /line 1: no column "label"/],
    ['file,label\na.jpg,yes', /line 2: "yes" is not a class/],
    ['file,label\na.jpg', /line 2: "" is not a class/],
    ['file,label\na.jpg,1\n,1', /line 3: no file name/],
    ['file,label\n', /names no image/],
  ])('%j is refused with its line', (text, message) => {
    expect(() => parseLabelFile(text, 'x.csv')).toThrow(message);
  });
});
