package com.northwind.invoices;

import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import javax.xml.parsers.SAXParser;
import javax.xml.parsers.SAXParserFactory;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;
import org.xml.sax.helpers.DefaultHandler;

@RestController
public class InvoiceXml {

    @PostMapping("/invoice/total")
    public String total(HttpServletRequest request) throws Exception {
        DocumentBuilderFactory dbf = DocumentBuilderFactory.newInstance();
        dbf.setNamespaceAware(true);
        DocumentBuilder builder = dbf.newDocumentBuilder();
        Document doc = builder.parse(request.getInputStream());
        return doc.getDocumentElement().getElementsByTagName("total").item(0).getTextContent();
    }

    @PostMapping("/invoice/currency")
    public String currency(HttpServletRequest request) throws Exception {
        DocumentBuilderFactory dbf = DocumentBuilderFactory.newInstance();
        dbf.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        dbf.setNamespaceAware(true);
        DocumentBuilder builder = dbf.newDocumentBuilder();
        Document doc = builder.parse(request.getInputStream());
        return doc.getDocumentElement().getAttribute("currency");
    }

    private static XMLStreamReader reader(XMLInputFactory f, String text) throws XMLStreamException {
        return f.createXMLStreamReader(new StringReader(text));
    }

    @PostMapping("/invoice/lines")
    public String lines(@RequestBody String xml) throws XMLStreamException {
        XMLInputFactory factory = XMLInputFactory.newFactory();
        factory.setProperty(XMLInputFactory.IS_COALESCING, true);
        XMLStreamReader r = reader(factory, xml);
        StringBuilder sb = new StringBuilder();
        while (r.hasNext()) {
            if (r.next() == XMLStreamConstants.CHARACTERS) {
                sb.append(r.getText()).append('\n');
            }
        }
        return sb.toString();
    }

    @PostMapping("/invoice/notes")
    public String notes(@RequestBody String xml) throws XMLStreamException {
        XMLInputFactory factory = XMLInputFactory.newFactory();
        factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
        factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
        XMLStreamReader r = reader(factory, xml);
        StringBuilder sb = new StringBuilder();
        while (r.hasNext()) {
            if (r.next() == XMLStreamConstants.CHARACTERS) {
                sb.append(r.getText()).append('\n');
            }
        }
        return sb.toString();
    }

    @PostMapping("/invoice/count")
    public int count(HttpServletRequest request) throws IOException, SAXException, ParserConfigurationException {
        InputStream body = request.getInputStream();
        InputSource source = new InputSource(body);
        SAXParser parser = SAXParserFactory.newInstance().newSAXParser();
        LineCounter counter = new LineCounter();
        parser.parse(source, counter);
        return counter.lines;
    }

    @PostMapping("/invoice/sample")
    public int sample(HttpServletRequest request) throws IOException, SAXException, ParserConfigurationException {
        InputSource source = new InputSource(new StringReader("<invoice><line/><line/></invoice>"));
        SAXParser parser = SAXParserFactory.newInstance().newSAXParser();
        LineCounter counter = new LineCounter();
        counter.element = "row".equals(request.getParameter("element")) ? "row" : "line";
        parser.parse(source, counter);
        return counter.lines;
    }

    static final class LineCounter extends DefaultHandler {
        String element = "line";
        int lines;

        @Override
        public void startElement(String uri, String local, String qName, org.xml.sax.Attributes a) {
            if (qName.equals(element)) {
                lines++;
            }
        }
    }
}
